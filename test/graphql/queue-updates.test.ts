import { createClient } from 'graphql-ws'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { afterFile } from '../support/dispose.js'
import { until } from '../support/until.js'
import { announceWorker, startStack } from './fixture.js'

const { ask, redis, url } = await startStack()
const client = createClient({
  url: `${url.replace('http', 'ws')}/graphql`,
  webSocketImpl: WebSocket,
  retryAttempts: 0,
})
afterFile(() => client.dispose())

const UPDATE = `mutation ($taskList: String!, $concurrency: Int!) {
  updateQueue(input: { taskList: $taskList, concurrency: $concurrency }) { queue { settings { version } } }
}`
const QUERY = `subscription ($taskList: String) {
  queueUpdates(taskList: $taskList) { taskList settings { version concurrency } }
}`
type Seen = { taskList: string; settings: { concurrency: number } }

function watch(variables: Record<string, unknown> = {}) {
  const iterator = client.iterate<{ queueUpdates: Seen }>({ query: QUERY, variables })
  const seen: Seen[] = []
  const ended = (async () => {
    for await (const { data, errors } of iterator) {
      if (errors) throw new Error(errors[0]!.message)
      seen.push(data!.queueUpdates)
    }
  })()
  return { seen, end: async () => (await iterator.return!(), ended) }
}

test('whoever watches gets each queue as it is, then its newest state; a new one too', async () => {
  await announceWorker(redis, ['ships', 'cranes'])
  const set = (taskList: string, concurrency: number) => ask(UPDATE, { taskList, concurrency })
  const of = (seen: Seen[], name: string) => seen.filter(({ taskList }) => taskList === name)

  const all = watch()
  const one = watch({ taskList: 'ships' })
  await until(() => of(all.seen, 'ships').length > 0 && of(all.seen, 'cranes').length > 0, {
    what: 'what is there has come',
  })
  await set('ships', 7)
  await set('cranes', 3)
  for (const { seen } of [all, one]) {
    await until(() => of(seen, 'ships').at(-1)?.settings.concurrency === 7, { what: 'the change has come' })
  }
  await until(() => of(all.seen, 'cranes').at(-1)?.settings.concurrency === 3, { what: 'the other change has come' })
  expect(of(one.seen, 'ships')).toHaveLength(one.seen.length)
  await all.end()
  await one.end()

  const again = watch({ taskList: 'ships' })
  await until(() => again.seen[0]?.settings.concurrency === 7, { what: 'the state as it is now has come' })
  await again.end()
})

// What docs/redis.md says that users of Redis must be allowed is enough, and what is not allowed is said, slowly.

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { example } from '../../examples/order-saga/app.js'
import { afterFile } from '../support/dispose.js'
import { localSwf } from '../support/local-swf.js'
import { startCli, type TestProcess } from '../support/process.js'
import { ownRedis, redisCommand } from '../support/redis.js'
import { connected } from '../support/redis-connection.js'
import { until } from '../support/until.js'

const APP = 'examples/dist/order-saga/app.js'
const redis = await ownRedis({ persistence: 'none' })
const { endpoint } = await localSwf()
const swf = ['--domain', 'orders', '--endpoint', endpoint]
await startCli(['register', '--app', APP, ...swf]).exited

const rules = [...readFileSync('docs/redis.md', 'utf8').matchAll(/^user (\S+) on >PASSWORD (.*)$/gm)]
for (const [, user, rule] of rules)
  await redisCommand(redis.url, 'ACL', 'SETUSER', user!, 'on', '>PASSWORD', ...rule!.split(' '))

/** Starts a process as a user of Redis; resolves when it serves its probes. */
async function start(verb: string, user: string, ...more: string[]) {
  const app = verb === 'gateway' ? [] : ['--app', APP]
  const url = redis.url.replace('//', `//${user}:PASSWORD@`)
  const process = startCli([verb, '--port', '0', '--redis', url, ...app, ...swf, ...more])
  afterFile(() => process.stop())
  const { port } = JSON.parse(await process.line('"message":"ready"')) as { port: number }
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text()
  return { process, port, get }
}

const errorsOf = (process: TestProcess) =>
  process
    .output()
    .split('\n')
    .filter(line => line.includes('"level":50'))
    .map(line => (JSON.parse(line) as { err: string }).err)

test.each([
  ['users of their own', 'gateway', 'decider', 'worker'],
  ['one user for all', 'swf-gateway', 'swf-gateway', 'swf-gateway'],
])(
  '%s: orders are completed, also by way of BullMQ, and nothing is refused',
  async (title, one, two, three) => {
    expect(rules).toHaveLength(4)
    const queues = JSON.stringify({ activities: { workerConcurrency: 1, prefetch: 10 } })
    const parts = await Promise.all([
      start('gateway', one),
      start('decider', two),
      start('worker', three, '--queues', queues),
    ])
    for (const { get } of parts) await until(async () => (await get('/readyz')) === 'ok\n', { what: 'it is ready' })
    const ask = async (query: string, variables = {}) => {
      const response = await fetch(`http://127.0.0.1:${parts[0].port}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables }),
      })
      return (await response.json()) as { data: Record<string, { status: string }> }
    }
    const ids = [1, 2, 3].map(n => `${title}-${n}`)
    for (const workflowId of ids)
      await ask('mutation($input: StartExecutionInput!) { startExecution(input: $input) { created } }', {
        input: { workflowId, type: example.type, input: { ...example.input, id: workflowId } },
      })
    for (const id of ids)
      await until(
        async () =>
          (await ask('query($id: String!) { execution(workflowId: $id) { status } }', { id })).data.execution
            ?.status === 'COMPLETED',
        { what: 'the order is completed', every: 100 },
      )
    for (const { process } of parts) expect(process.output()).not.toMatch(/NOPERM|lacks rights/)
    expect(await redisCommand(redis.url, 'EXISTS', '{swf-gateway:orders:activities}:jobs:events')).toBe(':1')
    expect(await redisCommand(redis.url, 'ACL', 'LOG')).toBe('*0')
    await Promise.all(parts.map(({ process }) => process.stop()))
  },
  60_000,
)

const ALL = ['~*', '+@all']
test.each<[string, string[], RegExp]>([
  ['INFO', [...ALL, '-info'], /may not call INFO \(NOPERM\): grant it \+info/],
  ['BZPOPMIN', [...ALL, '-bzpopmin'], /for BZPOPMIN: grant it \+bzpopmin/],
  ['scripts', [...ALL, '-eval', '-evalsha'], /for EVAL, EVALSHA: grant it \+eval \+evalsha/],
  [
    'the keys of its queue',
    ['~{swf-gateway:orders}*', '+@all'],
    /for keys like \{swf-gateway:orders:activities\}:probe/,
  ],
])(
  'a worker that may not use %s says so, is not ready, stays alive and asks slowly',
  async (_, rule, said) => {
    const watcher = await connected(redis.url)
    await redisCommand(redis.url, 'ACL', 'SETUSER', 'poor', 'reset', 'on', '>PASSWORD', ...rule)
    const { process, get } = await start('worker', 'poor')
    await until(() => errorsOf(process).some(err => said.test(err)), { what: 'the log says what lacks' })
    await watcher.config('RESETSTAT')
    for (let n = 0; n < 20; n++) {
      expect(await get('/livez')).toBe('ok\n')
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    // Without slowing down it is thousands a second.
    const stats = await watcher.info('commandstats')
    const refused = [...stats.matchAll(/rejected_calls=(\d+)/g)].reduce((sum, [, n]) => sum + Number(n), 0)
    expect(refused).toBeLessThan(200)
    const ready = await get('/readyz')
    expect(ready).toMatch(/^not ready\n/)
    expect(ready).toMatch(said)
    await redisCommand(redis.url, 'ACL', 'SETUSER', 'poor', ...ALL)
    await until(async () => (await get('/readyz')) === 'ok\n', { what: 'what was granted later is noticed' })
    await process.stop()
  },
  60_000,
)

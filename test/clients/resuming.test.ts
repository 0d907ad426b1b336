// The clients that others write, over a gateway that is killed: each update once, in order, none left out.

import { gql as apolloGql } from '@apollo/client/core'
import { Client as UrqlClient, fetchExchange, gql as urqlGql } from '@urql/core'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { FeedStream } from '../../src/feed/stream.js'
import { startTimer } from '../../src/swf/decision.js'
import { entriesOf } from '../feed/redis.js'
import { DOMAIN, startStack, TYPE } from '../graphql/fixture.js'
import { afterFile } from '../support/dispose.js'
import { startCli, type TestProcess } from '../support/process.js'
import { connected } from '../support/redis-connection.js'
import { until } from '../support/until.js'

// oxlint-disable-next-line typescript/no-explicit-any
const example = (name: string) => import(`../../examples/clients/${name}.js`) as Promise<any>
const { apolloClient } = await example('apollo')
const { urqlClient } = await example('urql')
const { relayEnvironment } = await example('relay')

const UPDATES = `subscription Updates($after: String) {
  executionUpdates(after: $after) {
    __typename
    ... on ExecutionChanged { cursor workflowId status eventId }
    ... on Resync { cursor reason }
  }
}`
const LIST = '{ executions { updatesCursor nodes { id workflowId status saga { state } } } }'

type Update = { workflowId: string; status: string; eventId: number; __typename: string }
type Result = { data?: { executionUpdates?: Update } | null | undefined }

test(
  'Apollo Client, urql and Relay get every update once over a kill of the gateway',
  { timeout: 90_000 },
  async () => {
    const { ask, decider, local, redis, swf } = await startStack({ sweepInterval: 300 })
    const common = ['--domain', DOMAIN, '--endpoint', local.endpoint, '--redis', redis.url, '--prefix', redis.prefix]
    const startGateway = async (port: number): Promise<{ process: TestProcess; port: number }> => {
      const process = startCli(['gateway', '--port', String(port), ...common])
      return { process, ...(JSON.parse(await process.line('"message":"ready"')) as { port: number }) }
    }
    const begin = async (workflowId: string) => {
      await ask(`mutation { startExecution(input: { workflowId: "${workflowId}", type: "${TYPE.name}" }) { created } }`)
      await decider.decide([startTimer({ timerId: 't', startToFireTimeout: '3600' })])
    }
    await begin('before')
    const gateway = await startGateway(0)
    const url = `http://127.0.0.1:${gateway.port}`
    const options = { url, webSocketImpl: WebSocket }
    const stream = new FeedStream(await connected(redis.url), redis.prefix)
    const told = async () =>
      (await entriesOf(stream, DOMAIN)).flatMap(entry =>
        entry.kind === 'changed' ? [`${entry.summary.workflowId} ${entry.summary.status} ${entry.eventId}`] : [],
      )
    const before = (await told()).length

    const got: Record<string, string[]> = { apollo: [], urql: [], relay: [] }
    const take = (name: string) => ({
      next: ({ data }: Result) => {
        const { workflowId, status, eventId, __typename } = data!.executionUpdates!
        got[name]!.push(__typename === 'ExecutionChanged' ? `${workflowId} ${status} ${eventId}` : __typename)
      },
      error: (error: unknown) => void got[name]!.push(`failed: ${String(error)}`),
      complete: () => {},
    })

    const apollo = apolloClient(options)
    const listed = await apollo.client.query({ query: apolloGql(LIST) })
    const variables = { after: listed.data.executions.updatesCursor }
    const ofApollo = apollo.client
      .subscribe({ query: apolloGql(UPDATES), variables })
      .subscribe(take('apollo') as never)
    const urql = urqlClient(options)
    expect((await urql.client.query(urqlGql(LIST), {}).toPromise()).data).toMatchObject({ executions: { nodes: [{}] } })
    const ofUrql = urql.client.subscription(urqlGql(UPDATES), variables).subscribe(take('urql').next as never)
    const relay = relayEnvironment(options)
    const parameters = {
      id: null,
      cacheID: 'updates',
      name: 'Updates',
      operationKind: 'subscription',
      text: UPDATES,
      metadata: {},
    }
    const ofRelay = relay.environment
      .getNetwork()
      .execute(parameters as never, variables, {})
      .subscribe(take('relay') as never)
    afterFile(() => {
      ofApollo.unsubscribe()
      ofUrql.unsubscribe()
      ofRelay.unsubscribe()
      for (const { close } of [apollo, urql, relay]) void close()
      apollo.client.stop()
    })
    const all = (what: string) =>
      until(
        async () => {
          const expected = (await told()).slice(before)
          return expected.length > 0 && Object.values(got).every(updates => updates.length >= expected.length)
        },
        { what },
      )

    await begin('live-1')
    await begin('live-2')
    await all('all clients are live')
    await gateway.process.kill()
    for (const n of [1, 2, 3]) await begin(`missed-${n}`)
    await swf.terminateWorkflowExecution({ domain: DOMAIN, workflowId: 'live-1' })
    await startGateway(gateway.port)
    await all('all clients have heard of what they missed')
    await begin('after')
    await all('all clients are live again')
    const expected = (await told()).slice(before)
    expect(expected.length).toBeGreaterThan(5)
    expect(got).toEqual({ apollo: expected, urql: expected, relay: expected })
  },
)

test.each([undefined, true, false])('urql as it is sends queries, with preferGetMethod: %s', async preferGetMethod => {
  const { url } = await startStack()
  const exchanges = [fetchExchange]
  const client = new UrqlClient({
    url: `${url}/graphql`,
    exchanges,
    ...(preferGetMethod !== undefined && { preferGetMethod }),
  })
  const { data, error } = await client.query(urqlGql('{ errorCodes }'), {}).toPromise()
  expect([error, data]).toEqual([undefined, { errorCodes: expect.arrayContaining(['INTERNAL']) }])
})

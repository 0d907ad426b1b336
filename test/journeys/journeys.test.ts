// The four journeys of DESIGN.md, on both transports: a start, an activity task, a decision task, a subscription.

import { describe, expect, test } from 'vitest'
import { decodePayload } from '../../src/swf/payload.js'
import { startStack, type Stack } from '../support/stack.js'
import { until } from '../support/until.js'
import { Ledger, orderApp } from './order.js'

const START = `mutation($input: StartExecutionInput!) {
  startExecution(input: $input) { created execution { workflowId runId status } } }`
const SHOW = `query($workflowId: String!) { execution(workflowId: $workflowId) {
  workflowId runId status cancelRequested
  saga { state step attempt steps { name state attempts } }
  result { value } failure { code reason cause { code reason attempts } }
  history(first: 200) { nodes { eventId eventType } } } }`
const UPDATES = `subscription($workflowId: String, $after: String) { executionUpdates(workflowId: $workflowId, after: $after) {
  __typename
  ... on ExecutionChanged { cursor eventId previousEventId workflowId status saga { state step attempt } }
  ... on Resync { cursor reason } } }`

const closed = (stack: Stack, workflowId: string) =>
  until(
    async () => {
      const { execution } = await stack.graphql(SHOW, { workflowId })
      return execution?.status !== 'OPEN' && execution
    },
    { what: `${workflowId} is closed`, within: 20_000, every: 50 },
  )

describe.each(['http', 'sdk'] as const)('over %s', transport => {
  const ledger = new Ledger()
  let stack: Stack

  test('1. startExecution runs an order to its end, and a repeat with the same key starts nothing', async () => {
    stack = await startStack({ ...orderApp(ledger), transport })
    const input = { workflowId: 'o1', type: 'Order', input: { id: 'o1' }, idempotencyKey: 'key-1', tags: ['a'] }
    const { startExecution } = await stack.graphql(START, { input })
    expect(startExecution).toMatchObject({ created: true, execution: { status: 'OPEN' } })
    const execution = await closed(stack, 'o1')
    expect(execution).toMatchObject({
      runId: startExecution.execution.runId,
      status: 'COMPLETED',
      saga: { state: 'COMPLETED' },
      result: { value: { reservation: 'reserved o1', parcel: 'parcel o1' } },
    })
    const again = await stack.graphql(START, { input })
    expect(again.startExecution).toMatchObject({ created: false, execution: { runId: execution.runId } })
  })

  test('2. an activity task passes the queue to its handler, with attempt, idempotency key and fencing token', async () => {
    await stack.graphql(START, { input: { workflowId: 'o2', type: 'Order', input: { id: 'o2', fail: 'twice' } } })
    const execution = await closed(stack, 'o2')
    expect(execution.status).toBe('COMPLETED')
    expect(ledger.of('o2')).toEqual(['Reserve 1', 'Ship 1', 'Ship 2', 'Ship 3'])
    const ships = ledger.entries.filter(({ id, activity }) => id === 'o2' && activity === 'Ship')
    expect(new Set(ships.map(({ key }) => key)).size).toBe(1)
    expect(new Set(ships.map(({ token }) => token)).size).toBe(3)
    const scheduled = (await stack.history(execution)).filter(event => event.eventType === 'ActivityTaskScheduled')
    expect(
      scheduled.map(event => decodePayload(event.activityTaskScheduledEventAttributes.input).envelope.attempt),
    ).toEqual([1, 1, 2, 3])
  })

  test('3. a failed step is rolled back and the completed ones compensated, then the execution fails saying why', async () => {
    await stack.graphql(START, { input: { workflowId: 'o3', type: 'Order', input: { id: 'o3', fail: 'never' } } })
    expect(await closed(stack, 'o3')).toMatchObject({
      status: 'FAILED',
      saga: {
        state: 'FAILED',
        steps: [
          { name: 'reservation', state: 'UNDONE' },
          { name: 'hold', state: 'DONE' },
          { name: 'shipment', state: 'UNDONE' },
        ],
      },
      failure: { code: 'SAGA_FAILED', reason: 'Ship: Never', cause: { code: 'ACTIVITY_TASK_FAILED', attempts: 1 } },
    })
    expect(ledger.of('o3')).toEqual(['Reserve 1', 'Ship 1', 'Recall 1', 'Release 1'])
  })

  test('4. a subscriber sees every state, in order, each update naming the one before it', async () => {
    const seen: any[] = []
    const client = stack.subscriber()
    const updates = client.iterate({ query: UPDATES, variables: { workflowId: 'o4' } })
    const reading = (async () => {
      for await (const { data, errors } of updates) {
        if (errors) throw errors[0]!
        seen.push((data as any).executionUpdates)
        if (seen.at(-1).status !== 'OPEN') return
      }
    })()
    await new Promise(resolve => setTimeout(resolve, 100))
    await stack.graphql(START, { input: { workflowId: 'o4', type: 'Order', input: { id: 'o4', fail: 'twice' } } })
    await reading
    const changes = seen.filter(update => update.__typename === 'ExecutionChanged')
    expect(changes.at(-1)).toMatchObject({ status: 'COMPLETED', saga: { state: 'COMPLETED' } })
    expect(changes.map(({ saga }) => saga && `${saga.state} ${saga.step} ${saga.attempt}`)).toEqual(
      expect.arrayContaining([
        'RUNNING reservation 1',
        'RUNNING shipment 1',
        'RETRYING shipment 2',
        'RETRYING shipment 3',
      ]),
    )
    for (let n = 1; n < changes.length; n++) expect(changes[n].previousEventId).toBe(changes[n - 1].eventId)

    // Late, with an old cursor: exactly what it missed.
    const late: any[] = []
    const after = changes[1].cursor
    for await (const { data } of stack
      .subscriber()
      .iterate({ query: UPDATES, variables: { workflowId: 'o4', after } })) {
      late.push((data as any).executionUpdates)
      if (late.at(-1).status !== 'OPEN') break
    }
    expect(late).toEqual(changes.slice(2))
  })

  test('a held order waits for its signal; one that is canceled while it waits is compensated', async () => {
    for (const id of ['held', 'canceled'])
      await stack.graphql(START, { input: { workflowId: id, type: 'Order', input: { id, hold: true } } })
    const waiting = (id: string) =>
      until(async () => (await stack.graphql(SHOW, { workflowId: id })).execution.saga?.step === 'hold', {
        what: `${id} waits`,
      })
    await Promise.all([waiting('held'), waiting('canceled')])
    await stack.graphql(
      `mutation { signalExecution(input: { execution: { workflowId: "held" }, signalName: "release", input: { by: "me" }, idempotencyKey: "s1" }) { execution { workflowId runId } } }`,
    )
    await stack.graphql(
      `mutation { requestCancelExecution(input: { execution: { workflowId: "canceled" } }) { execution { workflowId runId } } }`,
    )
    expect(await closed(stack, 'held')).toMatchObject({ status: 'COMPLETED' })
    expect(await closed(stack, 'canceled')).toMatchObject({ status: 'CANCELED', saga: { state: 'FAILED' } })
    expect(ledger.of('canceled')).toEqual(['Reserve 1', 'Release 1'])
  })

  test('a cancel reaches a running activity', async () => {
    await stack.graphql(START, { input: { workflowId: 'hang', type: 'Order', input: { id: 'hang', fail: 'hang' } } })
    await until(() => ledger.of('hang').includes('Ship 1'), { what: 'Ship runs' })
    await stack.graphql(
      `mutation { requestCancelExecution(input: { execution: { workflowId: "hang" } }) { execution { workflowId runId } } }`,
    )
    expect(await closed(stack, 'hang')).toMatchObject({ status: 'CANCELED' })
    expect(ledger.of('hang')).toEqual(['Reserve 1', 'Ship 1', 'Recall 1', 'Release 1'])
  })

  test('a termination is seen by subscribers', async () => {
    await stack.graphql(START, { input: { workflowId: 'end', type: 'Order', input: { id: 'end', hold: true } } })
    const updates = stack.subscriber().iterate({ query: UPDATES, variables: { workflowId: 'end' } })
    const last = (async () => {
      for await (const { data } of updates) {
        const update = (data as any).executionUpdates
        if (update.status && update.status !== 'OPEN') return update
      }
    })()
    await new Promise(resolve => setTimeout(resolve, 100))
    await stack.swf.terminateWorkflowExecution({ domain: stack.domain, workflowId: 'end', reason: 'by hand' })
    expect(await last).toMatchObject({ status: 'TERMINATED', saga: { state: 'FAILED' } })
  })
})

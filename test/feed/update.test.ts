import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { encodeExecutionContext, type SagaStepState } from '../../src/swf/execution-context.js'
import { deriveState, deriveUpdates, type Change, type RunRecord } from '../../src/feed/update.js'
import { History, saga, T0 } from './histories.js'

const execution = { workflowId: 'order-1', runId: 'run-1' }
const derive = (history: History, record?: RunRecord, from = 1) =>
  deriveUpdates('shop', execution, record, history.from(from))
const told = (changes: Change[]) =>
  changes.map(({ kind, eventId, previousEventId, summary }) => [
    kind,
    eventId,
    previousEventId,
    summary.status,
    summary.saga?.state,
  ])

test('tells one update for each visible change, each naming the one before it', () => {
  const history = new History(execution, { tags: ['vip'] })
  history.decision(saga('RUNNING'))
  history.signal()
  history.decision()
  history.signal()
  history.decision(saga('RUNNING', 'charge'))
  history.add('WorkflowExecutionCancelRequested', {})
  const { changes, record } = derive(history)
  expect(told(changes)).toEqual([
    ['changed', 1, 0, 'OPEN', undefined],
    ['changed', 4, 1, 'OPEN', 'RUNNING'],
    ['changed', 12, 4, 'OPEN', 'RUNNING'],
    ['changed', 13, 12, 'OPEN', 'RUNNING'],
  ])
  expect(record).toMatchObject({ version: { eventId: 13, n: 0 }, updated: 13 })
  expect(record.summary).toMatchObject({
    domain: 'shop',
    workflowId: 'order-1',
    type: { name: 'Order', version: '1.0' },
    tags: ['vip'],
    taskList: 'orders',
    startedAt: T0 + 1_000,
    cancelRequested: true,
    eventId: 13,
  })
})

test('shows COMPLETED only with the closing event', () => {
  const history = new History(execution)
  history.decision(saga('RUNNING'))
  history.signal()
  history.decision(saga('COMPLETED'))
  expect(told(derive(history).changes).at(-1)).toEqual(['changed', 4, 1, 'OPEN', 'RUNNING'])
  history.complete()
  const { changes, record } = derive(history)
  expect(told(changes).at(-1)).toEqual(['changed', 9, 4, 'COMPLETED', 'COMPLETED'])
  expect(record.held).toBeUndefined()
  expect(record.summary.closedAt).toBe(T0 + 9_000)
})

test('never shows COMPLETED when the close was refused and the execution is terminated', () => {
  const history = new History(execution)
  history.decision(saga('RUNNING'))
  history.signal()
  history.decision(saga('COMPLETED'))
  history.add('CompleteWorkflowExecutionFailed', { cause: 'UNHANDLED_DECISION', decisionTaskCompletedEventId: 8 })
  history.terminate()
  const { changes } = derive(history)
  expect(told(changes)).not.toContainEqual(expect.arrayContaining(['COMPLETED']))
  expect(told(changes).at(-1)).toEqual(['changed', 10, 4, 'TERMINATED', 'FAILED'])
  expect(changes.at(-1)!.summary.failureReason).toBe('enough')
})

test('a new run has the id of the run before it, and a continued one that of the next', () => {
  const history = new History(execution)
  const { continuedExecutionRunId: _, ...attributes } = (history.events[0] as never)[
    'workflowExecutionStartedEventAttributes'
  ] as {
    continuedExecutionRunId?: string
  }
  Object.assign(history.events[0]!, {
    workflowExecutionStartedEventAttributes: { ...attributes, continuedExecutionRunId: 'run-0' },
  })
  history.decision()
  history.add('WorkflowExecutionContinuedAsNew', { newExecutionRunId: 'run-2' })
  expect(derive(history).record.summary).toMatchObject({
    status: 'CONTINUED_AS_NEW',
    previousRunId: 'run-0',
    nextRunId: 'run-2',
  })
})

describe('the state of an accepted decision', () => {
  test('is an update at once, and none again when its DecisionTaskCompleted is read', () => {
    const history = new History(execution)
    const started = history.decisionStarted()
    const before = derive(history).record
    const context = { ...saga('RUNNING'), state: { lines: 3 } }
    const now = deriveState(before, encodeExecutionContext(context), T0)
    expect(told(now.changes)).toEqual([['changed', started, 1, 'OPEN', 'RUNNING']])
    expect(now.record.version).toEqual({ eventId: started, n: 1 })
    history.decisionCompleted(started, context)
    const after = derive(history, now.record, started + 1)
    expect(after.changes).toEqual([])
    expect(after.record.version).toEqual({ eventId: started + 1, n: 0 })
  })

  test('changes nothing visible when its saga has ended', () => {
    const history = new History(execution)
    history.decisionStarted()
    const { changes } = deriveState(derive(history).record, encodeExecutionContext(saga('FAILED')), T0)
    expect(changes).toEqual([])
  })
})

test('a change of the state alone is an update, and holds no state', () => {
  const history = new History(execution)
  history.decision({ state: { secret: 'x'.repeat(1_000) } })
  history.signal()
  history.decision({ state: { secret: 'y' } })
  history.signal()
  history.decision({ state: { secret: 'y' } })
  const { changes } = derive(history)
  expect(changes.map(({ eventId }) => eventId)).toEqual([1, 4, 8])
  expect(JSON.stringify(changes)).not.toContain('xxx')
})

test('being stuck and being healed are told apart from updates', () => {
  const history = new History(execution)
  history.decision(saga('RUNNING'))
  history.signal()
  const stuck = { since: T0, reason: 'no workflow type Order 2.0' }
  history.decision({ ...saga('RUNNING'), stuck })
  history.signal()
  history.decision(saga('RUNNING', 'charge'))
  const { changes } = derive(history)
  expect(changes.map(({ kind, eventId, previousEventId }) => [kind, eventId, previousEventId])).toEqual([
    ['changed', 1, 0],
    ['changed', 4, 1],
    ['stuck', 8, 4],
    ['changed', 12, 4],
    ['stuck', 12, 4],
  ])
  expect(changes[2]!.summary.stuck).toEqual(stuck)
  expect(changes[4]!.summary.stuck).toBeUndefined()
})

test('a summary too long keeps the steps of its saga that matter, and says how many it leaves out', () => {
  const history = new History(execution)
  const steps = Array.from({ length: 100 }, (_, i) => ({
    name: `step ${i}`,
    state: 'DONE' as SagaStepState,
    attempts: 1,
  }))
  steps[2]!.state = 'LEFT'
  steps[60]!.state = 'COMPENSATING'
  history.decision({ saga: { state: 'COMPENSATING', step: 'step 60', attempt: 1, steps } })
  const { summary } = derive(history).record
  expect(JSON.stringify(summary).length).toBeLessThanOrEqual(2_048)
  const shown = summary.saga!.steps
  expect(shown.length + summary.saga!.omittedSteps!).toBe(100)
  expect(shown[0]).toEqual({ name: 'step 2', state: 'LEFT', attempts: 1 })
  expect(shown.slice(1).map(({ name }) => name)).toEqual(
    Array.from({ length: shown.length - 1 }, (_, i) => `step ${60 - Math.floor((shown.length - 1) / 2) + i}`),
  )
})

test('a saga that fails and is undone within one decision is shown as compensating before it is shown as failed', () => {
  const history = new History(execution)
  history.decision(saga('RUNNING'))
  const steps = [{ name: 'reserve', state: 'UNDONE' as const, attempts: 1 }]
  history.signal()
  history.decision({ saga: { state: 'FAILED', step: 'reserve', attempt: 1, steps } })
  history.add('WorkflowExecutionFailed', { reason: 'Sold out', decisionTaskCompletedEventId: history.last })
  const { changes } = derive(history)
  expect(changes.map(({ summary }) => summary.saga?.state)).toEqual([undefined, 'RUNNING', 'COMPENSATING', 'FAILED'])
  expect(changes[2]!.summary.saga!.steps).toEqual(steps)
})

test('derives the same in one go and in any parts', () => {
  const states = ['RUNNING', 'RETRYING', 'COMPENSATING', 'COMPLETED'] as const
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...states, undefined)),
      fc.array(fc.nat(60)),
      fc.boolean(),
      (tasks, cuts, closes) => {
        const history = new History(execution)
        for (const state of tasks) {
          history.decision(state && saga(state))
          history.signal()
        }
        if (closes) history.complete()
        const whole = derive(history)
        let record: RunRecord | undefined
        const changes: Change[] = []
        for (const cut of [...new Set(cuts.map(cut => Math.min(cut + 1, history.last))), history.last].sort(
          (a, b) => a - b,
        )) {
          const from = (record?.version.eventId ?? 0) + 1
          if (cut < from) continue
          const part = deriveUpdates(
            'shop',
            execution,
            record && (JSON.parse(JSON.stringify(record)) as RunRecord),
            history.from(from, cut),
          )
          changes.push(...part.changes)
          record = part.record
        }
        expect(changes).toEqual(whole.changes)
        expect(record).toEqual(whole.record)
      },
    ),
  )
})

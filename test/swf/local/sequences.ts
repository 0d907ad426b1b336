// Random sequences of calls and of time that passes, played against the engine of the local SWF, and what must hold after
// every step.

import fc from 'fast-check'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { act } from '../../../src/swf/local/actions.js'
import { VirtualClock } from '../../../src/swf/local/clock.js'
import { executionDetail } from '../../../src/swf/local/description.js'
import { Engine } from '../../../src/swf/local/engine.js'
import type { ActivityTask, DecisionTask } from '../../../src/swf/local/execution.js'
import { Execution } from '../../../src/swf/local/execution.js'
import { Fault } from '../../../src/swf/local/fault.js'
import { Faults, ReplyDropped } from '../../../src/swf/local/faults.js'
import { FileStore } from '../../../src/swf/local/file-store.js'
import { LambdaRunner } from '../../../src/swf/local/lambda.js'
import { MemoryStore } from '../../../src/swf/local/memory-store.js'
import { Polls } from '../../../src/swf/local/polls.js'
import { NO_QUOTAS } from '../../../src/swf/local/quotas.js'
import type { Store } from '../../../src/swf/local/store.js'
import type { CheckedEvent } from '../../support/history-checker.js'
import { HistoryChecker, checkHistory } from '../../support/history-checker.js'
import { decide } from './fixture.js'

const DOMAIN = 'd'
const workflowType = { name: 'W', version: '1' }
const LISTS = ['one', 'two', 'sticky']
const IDS = ['a', 'b', 'c']

const id = fc.constantFrom(...IDS)
const list = fc.constantFrom(...LISTS).map(name => ({ name }))
const timeout = fc.constantFrom('NONE', '60', '60', '5', '1', '0')
const childPolicy = fc.constantFrom('TERMINATE', 'REQUEST_CANCEL', 'ABANDON')
const given = <T extends object>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(shape, { requiredKeys: [] }) as fc.Arbitrary<object>

const sometimes = <T>(oneIn: number, arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: oneIn - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })

const activity = fc
  .tuple(
    id,
    given({
      taskList: list,
      heartbeatTimeout: timeout,
      scheduleToStartTimeout: timeout,
      scheduleToCloseTimeout: timeout,
      startToCloseTimeout: timeout,
      taskPriority: fc.constantFrom('-1', '0', '1'),
      activityType: fc.constantFrom({ name: 'A', version: '1' }, { name: 'None', version: '1' }),
    }),
  )
  .map(([activityId, options]) =>
    decide.schedule(activityId, { activityType: { name: 'A', version: '1' }, ...options }),
  )
const runOptions = given({
  lambdaRole: fc.constant('arn:aws:iam::123456789012:role/swf'),
  taskList: list,
  childPolicy,
  executionStartToCloseTimeout: fc.constantFrom('600', '60'),
})
const decision = fc.oneof(
  { weight: 4, arbitrary: activity },
  id.map(decide.cancelActivity),
  fc.tuple(id, fc.constantFrom('0', '1', '30')).map(([timerId, wait]) => decide.timer(timerId, wait)),
  id.map(decide.cancelTimer),
  id.map(name => decide.marker(name)),
  fc.tuple(id, runOptions).map(([workflowId, options]) => decide.child(workflowId, { workflowType, ...options })),
  id.map(workflowId => decide.signal(workflowId)),
  id.map(workflowId => decide.requestCancel(workflowId)),
  fc.tuple(id, fc.constantFrom('answers', 'fails', 'hangs', 'absent')).map(([one, name]) => decide.lambda(one, name)),
)
const closing = fc.oneof(
  fc.constant(decide.complete('r')),
  fc.constant(decide.fail('r')),
  fc.constant(decide.cancel()),
  runOptions.map(options => decide.continueAsNew(options)),
)
const batch = fc
  .tuple(fc.array(decision, { maxLength: 6 }), sometimes(8, closing))
  .map(([decisions, last]) => [...decisions, ...(last ? [last] : [])])
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('start' as const), workflowId: id, options: runOptions }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('pollDecision' as const), list }) },
  {
    weight: 7,
    arbitrary: fc.record({
      do: fc.constant('respondDecision' as const),
      which: fc.nat(5),
      batch,
      sticky: sometimes(3, timeout),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('pollActivity' as const), list }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'completeActivity' as const,
        'failActivity' as const,
        'cancelActivity' as const,
        'heartbeat' as const,
      ),
      which: fc.nat(5),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('signal' as const, 'requestCancel' as const), workflowId: id }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('terminate' as const),
      workflowId: id,
      childPolicy: sometimes(2, childPolicy),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      ms: fc.constantFrom(1, 1, 1, 999, 1_000, 5_000, 30_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('deprecate' as const, 'undeprecate' as const) }) },
)
export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** Decisions that are denied now and then. */
const DENIED = [
  'ScheduleActivityTask',
  'StartTimer',
  'StartChildWorkflowExecution',
  'SignalExternalWorkflowExecution',
  'CompleteWorkflowExecution',
  'ContinueAsNewWorkflowExecution',
  'RecordMarker',
]

export class World {
  readonly clock = new VirtualClock(Date.UTC(2030, 0, 1))
  readonly engine: Engine
  readonly polls = new Polls(60_000)
  readonly decisionTokens: string[] = []
  readonly activityTokens: string[] = []
  /** Every run that ever started. */
  readonly runs = new Map<string, { workflowId: string; runId: string }>()
  #checked: { x: Execution; checker: HistoryChecker }[] = []

  constructor(
    readonly store: Store,
    seed = 0,
  ) {
    const lambdas = new LambdaRunner({
      answers: () => 'result',
      fails: () => Promise.reject(new Error('no')),
      hangs: () => new Promise(() => {}),
    })
    const faults = new Faults(seed)
    const quotas = { ...NO_QUOTAS, openTimers: 2, openActivities: 2, openChildren: 2, openLambdaFunctions: 1 }
    const started = store.started.bind(store)
    store.started = x => {
      this.runs.set(x.runId, { workflowId: x.workflowId, runId: x.runId })
      this.#checked.push({ x, checker: new HistoryChecker() })
      started(x)
    }
    this.engine = new Engine({ clock: this.clock, store, region: 'us-east-1', faults, quotas, lambdas })
  }

  async call(action: string, input: object): Promise<Record<string, unknown>> {
    // A poll that finds nothing leaves at once.
    const caller = { alive: () => true, onGone: (then: () => void) => then() }
    const answer = act(action, { domain: DOMAIN, ...input }, this, caller)
    const empty = new Promise<object>(resolve => setImmediate(resolve, {}))
    const value = action.startsWith('Poll') ? await Promise.race([answer, empty]) : await answer
    return (typeof value === 'string' ? JSON.parse(value) : (value ?? {})) as Record<string, unknown>
  }

  async register(): Promise<void> {
    await this.call('RegisterDomain', { name: DOMAIN, workflowExecutionRetentionPeriodInDays: '90' })
    await this.call('RegisterWorkflowType', {
      ...workflowType,
      defaultTaskList: { name: 'one' },
      defaultTaskStartToCloseTimeout: '5',
      defaultExecutionStartToCloseTimeout: '600',
      defaultChildPolicy: 'TERMINATE',
    })
    await this.call('RegisterActivityType', {
      name: 'A',
      version: '1',
      defaultTaskList: { name: 'two' },
      defaultTaskStartToCloseTimeout: '5',
      defaultTaskScheduleToStartTimeout: '5',
      defaultTaskScheduleToCloseTimeout: '60',
      defaultTaskHeartbeatTimeout: 'NONE',
    })
    this.goWrong()
  }

  /** From now on some requests go wrong, and some decisions. */
  goWrong(): void {
    this.engine.faults.add({ kind: 'deny', action: DENIED, rate: 0.05 })
    this.engine.faults.add({ kind: 'drop', rate: 0.02 })
    this.engine.faults.add({ kind: 'duplicate', rate: 0.02 })
  }

  async do(step: Step): Promise<void> {
    const token = (tokens: string[], which: number) => tokens.at(-1 - (which % Math.max(1, tokens.length)))
    switch (step.do) {
      case 'start':
        await this.call('StartWorkflowExecution', { workflowId: step.workflowId, workflowType, ...step.options })
        return
      case 'pollDecision': {
        const task = await this.call('PollForDecisionTask', { taskList: step.list })
        if (!task.taskToken) return
        this.decisionTokens.push(task.taskToken as string)
        expect((task.events as CheckedEvent[]).at(-1)?.eventId).toBe(task.startedEventId)
        expect(checkHistory(task.events as CheckedEvent[])).toEqual([])
        return
      }
      case 'respondDecision': {
        const taskToken = token(this.decisionTokens, step.which)
        const override = { taskList: { name: 'sticky' }, taskListScheduleToStartTimeout: step.sticky }
        const sticky = step.sticky === undefined ? {} : override
        if (taskToken) await this.call('RespondDecisionTaskCompleted', { taskToken, decisions: step.batch, ...sticky })
        return
      }
      case 'pollActivity': {
        const task = await this.call('PollForActivityTask', { taskList: step.list })
        if (task.taskToken) this.activityTokens.push(task.taskToken as string)
        return
      }
      case 'completeActivity':
      case 'failActivity':
      case 'cancelActivity':
      case 'heartbeat': {
        const taskToken = token(this.activityTokens, step.which)
        const action = {
          completeActivity: 'RespondActivityTaskCompleted',
          failActivity: 'RespondActivityTaskFailed',
          cancelActivity: 'RespondActivityTaskCanceled',
          heartbeat: 'RecordActivityTaskHeartbeat',
        }[step.do]
        if (taskToken) await this.call(action, { taskToken, details: 'd' })
        return
      }
      case 'signal':
        await this.call('SignalWorkflowExecution', { workflowId: step.workflowId, signalName: 's' })
        return
      case 'requestCancel':
        await this.call('RequestCancelWorkflowExecution', { workflowId: step.workflowId })
        return
      case 'terminate':
        await this.call('TerminateWorkflowExecution', { workflowId: step.workflowId, childPolicy: step.childPolicy })
        return
      case 'advance':
        this.clock.advance(step.ms)
        return
      case 'deprecate':
      case 'undeprecate': {
        const action = step.do === 'deprecate' ? 'DeprecateWorkflowType' : 'UndeprecateWorkflowType'
        await this.call(action, { workflowType })
      }
    }
  }

  /** What must hold after every step. */
  check(): void {
    const domain = this.engine.domains.get(DOMAIN)!
    expect(this.engine.runs.size).toBe(domain.open.size)
    expect(domain.byStart.size).toBe(domain.open.size)
    let listed = 0
    for (const { x, checker } of this.#checked) this.#checkRun(x, checker)
    // What has closed and was checked to its end needs no more checking.
    this.#checked = this.#checked.filter(({ x }) => x.open)
    for (const x of this.engine.runs.values()) {
      expect(x.open).toBe(true)
      expect(domain.open.get(x.workflowId)).toBe(x)
      // A scheduled decision task waits on its list exactly when none is started.
      if (x.scheduled) expect(x.scheduled.list !== undefined).toBe(x.started === undefined)
      if (x.started) expect(x.started.list).toBe(undefined)
      if (x.scheduled?.list) listed++
      for (const task of x.activities.values()) expect(task.list === undefined).toBe(task.startedEventId > 0)
      const deadlines = [x, x.scheduled, x.started, ...x.timers.values()].filter(entry => entry !== undefined)
      for (const entry of deadlines) if (entry.slot >= 0) expect(entry.at).toBeGreaterThanOrEqual(this.clock.now())
    }
    const waiting = LISTS.reduce((sum, name) => sum + domain.decisionTasks.size(name), 0)
    expect(waiting).toBe(listed)
  }

  /** Checks the new events of a run, and that what is open is what its history says. */
  #checkRun(x: Execution, checker: HistoryChecker): void {
    for (const text of x.events.slice(checker.length)) checker.check(JSON.parse(text) as CheckedEvent)
    expect(checker.violations).toEqual([])
    if (!x.open) return
    expect((executionDetail(x) as { openCounts: object }).openCounts).toEqual(checker.openCounts)
  }

  /** What must hold of all histories; the open ones add up to the state that is there. */
  async checkHistories(): Promise<void> {
    this.engine.faults.clear()
    for (const execution of this.runs.values()) {
      const { events } = await this.call('GetWorkflowExecutionHistory', { execution })
      expect(checkHistory(events as CheckedEvent[])).toEqual([])
      const x = this.engine.runs.get(execution.runId)
      const described = await this.call('DescribeWorkflowExecution', { execution })
      const { executionStatus } = described.executionInfo as { executionStatus: string }
      expect(executionStatus).toBe(x ? 'OPEN' : 'CLOSED')
      if (!x) continue
      const again = new Execution(x.serial, x.domain, x.workflowId, x.runId)
      for (const text of x.events) again.restore(text)
      expect(plain(again)).toEqual(plain(x))
    }
  }

  close(): void {
    this.engine.timers.stop()
    this.polls.close()
  }
}

/** The state of an execution, without what is not in its history: timers, lists and heartbeats. */
function plain(x: Execution): unknown {
  const task = (one: DecisionTask | ActivityTask | undefined) =>
    one && { ...one, execution: 0, list: 0, before: 0, after: 0, at: 0, slot: 0, order: 0 }
  const activities = [...x.activities.values()].map(one => ({ ...task(one), heartbeatAt: 0, heartbeatDetails: 0 }))
  const timers = [...x.timers.values()].map(({ timerId, startedEventId, firesAt }) => [
    timerId,
    startedEventId,
    firesAt,
  ])
  const lambdas = [...x.lambdas.values()].map(({ id, startedEventId, startedAt }) => [id, startedEventId, startedAt])
  const lambdaById = [...x.lambdaById.keys()]
  const [scheduled, started] = [task(x.scheduled), task(x.started)]
  const links = { activityById: [...x.activityById.keys()], children: [...x.children.values()], lambdas, lambdaById }
  return { ...x, ...links, activities, timers, scheduled, started, at: 0, slot: 0, order: 0 }
}

const EXPECTED = [
  'UnknownResourceFault',
  'WorkflowExecutionAlreadyStartedFault',
  'TypeDeprecatedFault',
  'TypeAlreadyExistsFault',
  'ECONNRESET',
]

export async function play(world: World, steps: Step[]): Promise<void> {
  for (const step of steps) {
    try {
      await world.do(step)
    } catch (error) {
      if (!(error instanceof Fault) && !(error instanceof ReplyDropped)) throw error
      expect(EXPECTED).toContain(error.code)
    }
    world.check()
  }
}

/** Plays so many sequences; a failure prints its seed and the shortest sequence that fails. */
export async function sequences(numRuns: number, seed?: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.array(step, { minLength: 20, maxLength: 80, size: 'max' }), async (chance, steps) => {
      const world = new World(new MemoryStore(), chance)
      try {
        await world.register()
        await play(world, steps)
        await world.checkHistories()
      } finally {
        world.close()
      }
    }),
    { numRuns, ...(seed !== undefined && { seed }) },
  )
}

/** Plays so many sequences, and opens the store again in the middle of each. */
export async function reopenedSequences(numRuns: number, seed?: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 40, maxLength: 80, size: 'max' }),
      fc.array(step, { minLength: 10, maxLength: 20, size: 'max' }),
      async (steps, more) => {
        const directory = mkdtempSync(join(tmpdir(), 'local-swf-'))
        const fail = (error: Error) => {
          throw error
        }
        try {
          const store = await FileStore.open(directory, fail)
          const before = new World(store)
          await store.restore(before.engine)
          await before.register()
          await play(before, steps)
          // What is due already happens as soon as a store is opened.
          before.clock.advance(0)
          await before.checkHistories()
          before.close()
          await store.close()

          const reopened = await FileStore.open(directory, fail)
          const after = new World(reopened)
          after.clock.advance(before.clock.now() - after.clock.now())
          await reopened.restore(after.engine)
          const state = (world: World) => [...world.engine.runs.values()].map(plain)
          expect(state(after)).toEqual(state(before))
          expect(after.engine.lastSerial).toBe(before.engine.lastSerial)
          for (const [runId, execution] of before.runs) after.runs.set(runId, execution)
          after.decisionTokens.push(...before.decisionTokens)
          after.activityTokens.push(...before.activityTokens)
          after.check()
          await play(after, more)
          await after.checkHistories()
          after.close()
          await reopened.close()
        } finally {
          rmSync(directory, { recursive: true })
        }
      },
    ),
    { numRuns, ...(seed !== undefined && { seed }) },
  )
}

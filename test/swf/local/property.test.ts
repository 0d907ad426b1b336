import fc from 'fast-check'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { act } from '../../../src/swf/local/actions.js'
import { Engine } from '../../../src/swf/local/engine.js'
import type { ActivityTask, DecisionTask } from '../../../src/swf/local/execution.js'
import { Execution } from '../../../src/swf/local/execution.js'
import { Fault } from '../../../src/swf/local/fault.js'
import { FileStore } from '../../../src/swf/local/file-store.js'
import { MemoryStore } from '../../../src/swf/local/memory-store.js'
import { Polls } from '../../../src/swf/local/polls.js'
import type { Store } from '../../../src/swf/local/store.js'
import type { CheckedEvent } from '../../support/history-checker.js'
import { checkHistory } from '../../support/history-checker.js'
import { decide } from './fixture.js'
import { HandClock } from './hand-clock.js'

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
const runOptions = given({ taskList: list, childPolicy, executionStartToCloseTimeout: fc.constantFrom('600', '60') })
const decision = fc.oneof(
  { weight: 4, arbitrary: activity },
  id.map(decide.cancelActivity),
  fc.tuple(id, fc.constantFrom('0', '1', '30')).map(([timerId, wait]) => decide.timer(timerId, wait)),
  id.map(decide.cancelTimer),
  id.map(name => decide.marker(name)),
  fc.tuple(id, runOptions).map(([workflowId, options]) => decide.child(workflowId, { workflowType, ...options })),
  id.map(workflowId => decide.signal(workflowId)),
  id.map(workflowId => decide.requestCancel(workflowId)),
  id.map(name => decide.lambda(name)),
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
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

class World {
  readonly clock = new HandClock()
  readonly engine: Engine
  readonly polls = new Polls(60_000)
  readonly decisionTokens: string[] = []
  readonly activityTokens: string[] = []
  /** Every run that was ever seen open. */
  readonly runs = new Map<string, { workflowId: string; runId: string }>()

  constructor(readonly store: Store) {
    this.engine = new Engine({ clock: this.clock, store, region: 'us-east-1' })
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
    }
  }

  /** What must hold after every step. */
  check(): void {
    const domain = this.engine.domains.get(DOMAIN)!
    expect(this.engine.runs.size).toBe(domain.open.size)
    expect(domain.byStart.size).toBe(domain.open.size)
    let listed = 0
    for (const x of this.engine.runs.values()) {
      this.runs.set(x.runId, { workflowId: x.workflowId, runId: x.runId })
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

  /** What must hold of all histories; the open ones add up to the state that is there. */
  async checkHistories(): Promise<void> {
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
  const [scheduled, started] = [task(x.scheduled), task(x.started)]
  const links = { activityById: [...x.activityById.keys()], children: [...x.children.values()] }
  return { ...x, ...links, activities, timers, scheduled, started, at: 0, slot: 0, order: 0 }
}

async function play(world: World, steps: Step[]): Promise<void> {
  for (const step of steps) {
    try {
      await world.do(step)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      expect(['UnknownResourceFault', 'WorkflowExecutionAlreadyStartedFault']).toContain(error.code)
    }
    world.check()
  }
}

const RUNS = Number(process.env.LOCAL_SWF_SEQUENCES ?? 120)

test('whatever is called in whatever order, every history is right and adds up to the state', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80, size: 'max' }), async steps => {
      const world = new World(new MemoryStore())
      try {
        await world.register()
        await play(world, steps)
        await world.checkHistories()
      } finally {
        world.close()
      }
    }),
    { numRuns: RUNS },
  )
})

test('a store that is opened again equals the one before, and goes on', async () => {
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
    { numRuns: Math.ceil(RUNS / 25) },
  )
})

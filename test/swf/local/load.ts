// A load of whole workflows that remembers what was answered, and then holds a server to it.
//
// L1. What was answered is there: the start, the signal, the started event of a task that was given, the batch, the close.
// L2. What was sent and not answered is there whole or not at all.
// L3. A task that was given out and not yet answered is still that task: its token is good.

import { expect } from 'vitest'
import { CLOSE_STATUS, attributesMember } from '../../../src/swf/history-event.js'
import type { EventType } from '../../../src/swf/history-event.js'
import { checkHistory } from '../../support/history-checker.js'
import { DOMAIN, activityType, decide, workflowType } from './fixture.js'
import { randomOf } from './random.js'
import type { WireEvent } from './wire.js'
import { Refused, Wire } from './wire.js'

export async function registerAll(wire: Wire): Promise<void> {
  await wire.call('RegisterDomain', { name: DOMAIN, workflowExecutionRetentionPeriodInDays: '30' })
  await wire.call('RegisterWorkflowType', {
    domain: DOMAIN,
    ...workflowType,
    defaultTaskList: { name: 'orders' },
    defaultTaskStartToCloseTimeout: '300',
    defaultExecutionStartToCloseTimeout: '3600',
    defaultChildPolicy: 'TERMINATE',
  })
  await wire.call('RegisterActivityType', {
    domain: DOMAIN,
    ...activityType,
    defaultTaskList: { name: 'charges' },
    defaultTaskStartToCloseTimeout: '300',
    defaultTaskScheduleToStartTimeout: '300',
    defaultTaskScheduleToCloseTimeout: '600',
    defaultTaskHeartbeatTimeout: 'NONE',
  })
}

interface Execution {
  workflowId: string
  runId: string
}

/** What must be in a history, in words and as a test. */
interface Fact {
  readonly what: string
  holds(events: readonly WireEvent[]): boolean
}

interface Run extends Execution {
  readonly facts: Fact[]
  /** Batches of decisions that were sent: whose decision task started there, and the types of their events, by alternatives. */
  readonly batches: { readonly startedEventId: number; readonly types: readonly string[][] }[]
  /** A decision task that was given out, and to which nothing has been answered. */
  held?: string | undefined
}

interface Task {
  taskToken?: string
  startedEventId: number
  workflowExecution: Execution
}

const has = (what: string, type: EventType, members: Record<string, unknown> = {}): Fact => ({
  what: `${what}: ${type} ${JSON.stringify(members)}`,
  holds: events =>
    events.some(event => {
      if (event.eventType !== type) return false
      const held = event[attributesMember(type)] as Record<string, unknown>
      return Object.entries(members).every(([name, value]) => held[name] === value)
    }),
})

const startedAs = (what: string, type: EventType, eventId: number): Fact => ({
  what: `${what}: event ${eventId} is ${type}`,
  holds: events => events[eventId - 1]?.eventType === type,
})

const EVENT_OF: Record<string, string[]> = {
  ScheduleActivityTask: ['ActivityTaskScheduled'],
  StartTimer: ['TimerStarted'],
  RecordMarker: ['MarkerRecorded'],
  StartChildWorkflowExecution: ['StartChildWorkflowExecutionInitiated'],
  SignalExternalWorkflowExecution: ['SignalExternalWorkflowExecutionInitiated'],
  CompleteWorkflowExecution: ['WorkflowExecutionCompleted', 'CompleteWorkflowExecutionFailed'],
  FailWorkflowExecution: ['WorkflowExecutionFailed', 'FailWorkflowExecutionFailed'],
  CancelWorkflowExecution: ['WorkflowExecutionCanceled', 'CancelWorkflowExecutionFailed'],
  ContinueAsNewWorkflowExecution: ['WorkflowExecutionContinuedAsNew', 'ContinueAsNewWorkflowExecutionFailed'],
}

/** The server went away while a request was under way. */
class Gone extends Error {}

export class Load {
  readonly #runs = new Map<string, Run>()
  readonly #types: { name: string; status: 'REGISTERED' | 'DEPRECATED' }[] = []
  readonly #random: () => number
  #round = 0
  #lastWorkflowId = ''
  /** How many requests were answered. */
  answered = 0

  constructor(readonly seed: number) {
    this.#random = randomOf(seed)
  }

  /** A number from 0 to 1 from the seed: when to kill is decided by it, too. */
  random(): number {
    return this.#random()
  }

  /** Lets clients work until the server is gone. Throws what it should not have answered. */
  async drive(endpoint: string, clients: number): Promise<void> {
    const wire = new Wire(endpoint, clients)
    const round = this.#round++
    const work = async (client: number) => {
      const random = randomOf(this.seed * 10_000 + round * 100 + client)
      try {
        for (let n = 0; ; n++) await this.#cycle(wire, `s${this.seed}-${round}-${client}-${n}`, random)
      } catch (error) {
        if (!(error instanceof Gone)) throw error
      }
    }
    try {
      await Promise.all(Array.from({ length: clients }, (_, client) => work(client)))
    } finally {
      await wire.close()
    }
  }

  async #ask<T>(wire: Wire, action: string, input: object): Promise<T> {
    try {
      const answer = await wire.call<T>(action, input)
      this.answered++
      return answer
    } catch (error) {
      throw error instanceof Refused ? error : new Gone(action, { cause: error })
    }
  }

  #run(execution: Execution): Run {
    let run = this.#runs.get(execution.runId)
    if (!run) this.#runs.set(execution.runId, (run = { ...execution, facts: [], batches: [] }))
    return run
  }

  /** One workflow: start, signals, decisions, activities, timers, a child, and one of the ends. */
  async #cycle(wire: Wire, workflowId: string, random: () => number): Promise<void> {
    const ask = <T = void>(action: string, input: object) => this.#ask<T>(wire, action, { domain: DOMAIN, ...input })
    const chance = (of: number) => random() < of
    const taskList = { name: workflowId }

    if (chance(0.1)) {
      const type = { name: workflowId, status: 'REGISTERED' as 'REGISTERED' | 'DEPRECATED' }
      await ask('RegisterActivityType', { name: workflowId, version: '1' })
      this.#types.push(type)
      if (chance(0.5)) {
        this.#types.pop()
        await ask('DeprecateActivityType', { activityType: { name: workflowId, version: '1' } })
        this.#types.push({ ...type, status: 'DEPRECATED' })
      }
    }

    const start = { workflowId, workflowType, taskList, input: workflowId, tagList: ['load'] }
    const { runId } = await ask<{ runId: string }>('StartWorkflowExecution', start)
    const run = this.#run({ workflowId, runId })
    run.facts.push(has('started', 'WorkflowExecutionStarted', { input: workflowId }))
    for (let i = 0; chance(0.5) && i < 4; i++) {
      await ask('SignalWorkflowExecution', { workflowId, signalName: `${i}` })
      run.facts.push(has('signaled', 'WorkflowExecutionSignaled', { signalName: `${i}` }))
    }

    const activities = [...'ab'].slice(0, 1 + Math.floor(random() * 2))
    const child = chance(0.4) ? `${workflowId}-child` : undefined
    const first = [
      ...activities.map(id => decide.schedule(id, { taskList, input: id })),
      ...(chance(0.5) ? [decide.timer('t', ['0', '1', '600'][Math.floor(random() * 3)]!)] : []),
      ...(chance(0.5) ? [decide.marker('m', workflowId)] : []),
      ...(child ? [decide.child(child, { taskList: { name: child } })] : []),
      ...(chance(0.3) && this.#lastWorkflowId ? [decide.signal(this.#lastWorkflowId)] : []),
    ]
    this.#lastWorkflowId = workflowId
    await this.#decide(ask, taskList.name, first)
    for (const activityId of activities) {
      const task = await this.#poll(ask, 'PollForActivityTask', taskList.name)
      const scheduled = { startedEventId: task.startedEventId }
      run.facts.push(startedAs('polled', 'ActivityTaskStarted', task.startedEventId))
      const { taskToken } = task
      if (chance(0.4)) await ask('RecordActivityTaskHeartbeat', { taskToken, details: activityId })
      if (chance(0.8)) {
        await ask('RespondActivityTaskCompleted', { taskToken, result: activityId })
        run.facts.push(has('responded', 'ActivityTaskCompleted', scheduled))
      } else {
        await ask('RespondActivityTaskFailed', { taskToken, reason: activityId })
        run.facts.push(has('responded', 'ActivityTaskFailed', scheduled))
      }
    }
    if (child) await this.#decide(ask, child, [decide.complete('child')])

    if (chance(0.2)) {
      await ask('RequestCancelWorkflowExecution', { workflowId })
      run.facts.push(has('asked to cancel', 'WorkflowExecutionCancelRequested'))
    }
    const end = random()
    if (end < 0.15) return
    if (end < 0.3) {
      await ask('TerminateWorkflowExecution', { workflowId, reason: 'load' })
      run.facts.push(has('terminated', 'WorkflowExecutionTerminated', { reason: 'load' }))
      return
    }
    const last =
      end < 0.7
        ? decide.complete('r')
        : end < 0.8
          ? decide.fail('f')
          : end < 0.9
            ? decide.cancel('c')
            : decide.continueAsNew()
    await this.#decide(ask, taskList.name, [decide.marker('last'), last])
  }

  async #poll(ask: <T>(action: string, input: object) => Promise<T>, action: string, name: string): Promise<Task> {
    for (;;) {
      const task = await ask<Task>(action, { taskList: { name }, identity: 'load' })
      if (task.taskToken) return task
    }
  }

  async #decide(
    ask: <T>(action: string, input: object) => Promise<T>,
    list: string,
    decisions: ReturnType<(typeof decide)['complete']>[],
  ): Promise<void> {
    const { taskToken, startedEventId, workflowExecution } = await this.#poll(ask, 'PollForDecisionTask', list)
    const run = this.#run(workflowExecution)
    run.facts.push(startedAs('polled', 'DecisionTaskStarted', startedEventId))
    run.held = taskToken
    // Now and then nobody answers before the kill.
    await new Promise(resolve => setImmediate(resolve))
    run.batches.push({ startedEventId, types: decisions.map(({ decisionType }) => EVENT_OF[decisionType!]!) })
    run.held = undefined
    await ask('RespondDecisionTaskCompleted', { taskToken, decisions, executionContext: list })
    run.facts.push(has('decided', 'DecisionTaskCompleted', { startedEventId }))
  }

  /** Holds a server to all that any of them has answered. Returns how many histories it has read. */
  async verify(endpoint: string): Promise<number> {
    const wire = new Wire(endpoint, 16)
    try {
      const known = new Map<string, WireEvent[]>()
      const wrong: string[] = []
      const read = async (run: Execution & Partial<Run>) => {
        const { workflowId, runId } = run
        const events = await wire.history(DOMAIN, { workflowId, runId })
        known.set(runId, events)
        wrong.push(...checkHistory(events).map(what => `${workflowId}: ${what}`))
        for (const fact of run.facts ?? []) if (!fact.holds(events)) wrong.push(`${workflowId}: not ${fact.what}`)
        for (const batch of run.batches ?? [])
          wrong.push(...partOf(batch, events).map(what => `${workflowId}: ${what}`))
        const { executionInfo } = await wire.call<{ executionInfo: { closeStatus?: string } }>(
          'DescribeWorkflowExecution',
          { domain: DOMAIN, execution: { workflowId, runId } },
        )
        const closed = (CLOSE_STATUS as Record<string, string>)[events.at(-1)!.eventType]
        if (closed !== executionInfo.closeStatus)
          wrong.push(`${workflowId}: ${closed} but ${executionInfo.closeStatus}`)
      }
      await inTurn([...this.#runs.values()], read)
      // What one history says of another, the other says too.
      const others = [...known.values()].flat().flatMap(mentioned)
      await inTurn(
        others.filter(({ runId }) => !known.has(runId)),
        async other => {
          if (!known.has(other.runId)) await read(other)
        },
      )
      await inTurn(this.#types, async ({ name, status }) => {
        const input = { domain: DOMAIN, activityType: { name, version: '1' } }
        const { typeInfo } = await wire.call<{ typeInfo: { status: string } }>('DescribeActivityType', input)
        if (typeInfo.status !== status) wrong.push(`type ${name} is ${typeInfo.status}, not ${status}`)
      })
      expect(wrong, `seed ${this.seed}`).toEqual([])
      await inTurn([...this.#runs.values()], async run => {
        const taskToken = run.held
        run.held = undefined
        if (taskToken) await wire.call('RespondDecisionTaskCompleted', { taskToken })
      })
      return known.size
    } finally {
      await wire.close()
    }
  }
}

/** What is wrong with a batch: it is there whole, its events one after the other, or not at all. */
function partOf({ startedEventId, types }: Run['batches'][number], events: readonly WireEvent[]): string[] {
  const at = events.findIndex(
    ({ eventType, decisionTaskCompletedEventAttributes: completed }) =>
      eventType === 'DecisionTaskCompleted' &&
      (completed as { startedEventId: number }).startedEventId === startedEventId,
  )
  if (at < 0) return []
  return types.flatMap((any, n) => {
    const found = events[at + 1 + n]?.eventType
    return found && any.includes(found) ? [] : [`batch of ${startedEventId}: ${found} instead of ${any.join(' or ')}`]
  })
}

/** The executions that an event says have been started. */
function mentioned(event: WireEvent): Execution[] {
  const child = event.childWorkflowExecutionStartedEventAttributes as { workflowExecution: Execution } | undefined
  const started = event.workflowExecutionStartedEventAttributes as { parentWorkflowExecution?: Execution } | undefined
  return [child?.workflowExecution, started?.parentWorkflowExecution].filter(execution => execution !== undefined)
}

async function inTurn<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const next = items.values()
  const worker = async () => {
    for (const item of next) await work(item)
  }
  await Promise.all(Array.from({ length: 16 }, worker))
}

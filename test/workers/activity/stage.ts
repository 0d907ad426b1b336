// A stage for the activity worker: real Redis, the local SWF over HTTP, and a decider by hand, so that a test says itself
// what is scheduled and reads from the history what became of it.

import { createSwfClient, type SwfClient } from '../../../src/swf/client.js'
import type { Decision } from '../../../src/swf/decision.js'
import type { HistoryEvent } from '../../../src/swf/history-event.js'
import { encodePayload, type Envelope } from '../../../src/swf/payload.js'
import { createLog, createMetrics } from '../../../src/telemetry.js'
import { ActivityWorker, type ActivityWorkerOptions } from '../../../src/workers/activity/activity-worker.js'
import type { Handler } from '../../../src/workers/definitions.js'
import { defineActivity } from '../../../src/workflow/definition.js'
import { afterFile } from '../../support/dispose.js'
import { localSwf } from '../../support/local-swf.js'
import { until } from '../../support/until.js'

export const DOMAIN = 'stage'

export interface Scheduled {
  type?: string
  taskList?: string
  input?: unknown
  envelope?: Envelope
  /** Seconds, as SWF takes them. */
  startToClose?: string
  heartbeat?: string
}

export interface Closed {
  eventType: string
  result?: unknown
  reason?: string | undefined
  details?: string | undefined
  timeoutType?: string | undefined
}

/** Sets up SWF with one workflow type; `activities` are registered as they are named. */
export async function stage(redis: { url: string; prefix?: string }, activities: readonly string[] = ['Work']) {
  const { endpoint } = await localSwf({ pollTimeout: 500 })
  const swf = createSwfClient({ transport: 'http', endpoint })
  afterFile(() => swf.close())
  await swf.registerDomain({ name: DOMAIN, workflowExecutionRetentionPeriodInDays: '1' })
  await swf.registerWorkflowType({ domain: DOMAIN, name: 'ByHand', version: '1' })
  for (const name of activities) await swf.registerActivityType({ domain: DOMAIN, name, version: '1' })
  const prefix = redis.prefix ?? 'stage'
  return {
    swf,
    endpoint,
    prefix,
    /** Starts a worker in this process, stopped after the file. */
    async worker(handlers: readonly Handler[], options: Partial<ActivityWorkerOptions> = {}) {
      const worker = new ActivityWorker({
        swf,
        redis: { url: redis.url },
        prefix,
        domain: DOMAIN,
        handlers,
        log: createLog('worker', process.env.TEST_LOG ?? 'silent'),
        metrics: createMetrics('worker'),
        drain: 0,
        grace: 200,
        pollers: 4,
        ...options,
      })
      await worker.start()
      afterFile(() => worker.stop())
      return worker
    },
    execution: () => start(swf),
  }
}

/** An activity's contract on a task list. */
export function activity(name = 'Work', options: Parameters<typeof defineActivity>[2] = {}) {
  return defineActivity<any, any>(name, '1', options) // oxlint-disable-line typescript/no-explicit-any
}

let executions = 0

async function start(swf: SwfClient) {
  const workflowId = `execution-${++executions}`
  const decisions = `decisions-${executions}`
  const { runId } = await swf.startWorkflowExecution({
    domain: DOMAIN,
    workflowId,
    workflowType: { name: 'ByHand', version: '1' },
    taskList: { name: decisions },
    executionStartToCloseTimeout: '600',
    taskStartToCloseTimeout: 'NONE',
    childPolicy: 'TERMINATE',
  })
  const execution = { workflowId, runId: runId! }
  const history = async (): Promise<HistoryEvent[]> => {
    const { events } = await swf.getWorkflowExecutionHistory({ domain: DOMAIN, execution })
    return events
  }
  const decide = async (...list: Decision[]) => {
    await swf.signalWorkflowExecution({ domain: DOMAIN, ...execution, signalName: 'wake' })
    const { taskToken } = await swf.pollForDecisionTask({ domain: DOMAIN, taskList: { name: decisions } })
    await swf.respondDecisionTaskCompleted({ taskToken: taskToken!, decisions: list })
  }
  return {
    ...execution,
    history,
    /** Schedules activities; ids must not be in use. */
    async schedule(activities: Record<string, Scheduled>): Promise<void> {
      await decide(
        ...Object.entries(activities).map(([activityId, scheduled]): Decision => {
          const { type = 'Work', taskList = 'activities', input, startToClose = '60', heartbeat = 'NONE' } = scheduled
          const text = encodePayload(input, scheduled.envelope ?? { startToClose: Number(startToClose) * 1_000 })
          return {
            decisionType: 'ScheduleActivityTask',
            scheduleActivityTaskDecisionAttributes: {
              activityType: { name: type, version: '1' },
              activityId,
              taskList: { name: taskList },
              ...(text !== undefined && { input: text }),
              startToCloseTimeout: startToClose,
              heartbeatTimeout: heartbeat,
              scheduleToCloseTimeout: 'NONE',
              scheduleToStartTimeout: 'NONE',
            },
          }
        }),
      )
    },
    async requestCancel(activityId: string): Promise<void> {
      await decide({
        decisionType: 'RequestCancelActivityTask',
        requestCancelActivityTaskDecisionAttributes: { activityId },
      })
    },
    async terminate(): Promise<void> {
      await swf.terminateWorkflowExecution({ domain: DOMAIN, ...execution })
    },
    /** Resolves to how an activity closed. */
    closed: (activityId: string, within = 10_000): Promise<Closed> =>
      until(async () => closes(await history()).get(activityId), { what: `activity ${activityId} closes`, within }),
    /** Resolves to how all activities closed, when `count` have. */
    allClosed: (count: number, within = 20_000): Promise<Map<string, Closed>> =>
      until(
        async () => {
          const closed = closes(await history())
          return closed.size >= count && closed
        },
        { what: `${count} activities close`, within },
      ),
    /** Resolves when an activity has been handed to a poll. */
    started: (activityId: string) =>
      until(async () => startedEvents(await history(), activityId) > 0, { what: `activity ${activityId} is started` }),
  }
}

function startedEvents(history: readonly HistoryEvent[], activityId: string): number {
  const ids = scheduledIds(history)
  return history.filter(
    event =>
      event.eventType === 'ActivityTaskStarted' &&
      ids.get(event.activityTaskStartedEventAttributes.scheduledEventId) === activityId,
  ).length
}

function scheduledIds(history: readonly HistoryEvent[]): Map<number, string> {
  return new Map(
    history.flatMap(event =>
      event.eventType === 'ActivityTaskScheduled'
        ? [[event.eventId, event.activityTaskScheduledEventAttributes.activityId] as const]
        : [],
    ),
  )
}

function closes(history: readonly HistoryEvent[]): Map<string, Closed> {
  const ids = scheduledIds(history)
  const closed = new Map<string, Closed>()
  for (const event of history) {
    switch (event.eventType) {
      case 'ActivityTaskCompleted': {
        const { scheduledEventId, result } = event.activityTaskCompletedEventAttributes
        const value: unknown = result === undefined ? undefined : JSON.parse(result)
        closed.set(ids.get(scheduledEventId)!, { eventType: event.eventType, result: value })
        break
      }
      case 'ActivityTaskFailed': {
        const { scheduledEventId, reason, details } = event.activityTaskFailedEventAttributes
        closed.set(ids.get(scheduledEventId)!, { eventType: event.eventType, reason, details })
        break
      }
      case 'ActivityTaskCanceled': {
        const { scheduledEventId, details } = event.activityTaskCanceledEventAttributes
        closed.set(ids.get(scheduledEventId)!, { eventType: event.eventType, details })
        break
      }
      case 'ActivityTaskTimedOut': {
        const { scheduledEventId, details, timeoutType } = event.activityTaskTimedOutEventAttributes
        closed.set(ids.get(scheduledEventId)!, { eventType: event.eventType, details, timeoutType })
        break
      }
      default:
    }
  }
  return closed
}

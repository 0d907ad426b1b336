// A local SWF on a free port, with a domain and types, and the SDK to call it with. Disposed after each test file.

import { SWF } from '@aws-sdk/client-swf'
import type { Decision, DecisionTask, HistoryEvent } from '@aws-sdk/client-swf'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { Agent } from 'node:http'
import { afterAll, expect } from 'vitest'
import type { LocalSwf, LocalSwfOptions } from '../../../src/swf/local/index.js'
import { createLocalSwf } from '../../../src/swf/local/index.js'
import { checkAllHistories, checkHistory } from '../../support/history-checker.js'

export const DOMAIN = 'd'
export const workflowType = { name: 'Order', version: '1' }
export const activityType = { name: 'Charge', version: '1' }

let ids = 0
/** A name that no other test uses. */
export const unique = (prefix: string): string => `${prefix}-${++ids}`

export interface Fixture {
  server: LocalSwf
  swf: SWF
  start(options?: object): Promise<Run>
  close(): Promise<void>
}

/** Opens an SDK client; it sends no request twice. */
export const client = (endpoint: string): SWF =>
  new SWF({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 's' },
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({ httpAgent: new Agent({ keepAlive: true, maxSockets: 100 }) }),
  })

export async function openFixture(options: LocalSwfOptions = {}, register = true): Promise<Fixture> {
  const server = await createLocalSwf({ pollTimeout: 300, ...options })
  const swf = client(server.endpoint)
  if (register) await registerAll(swf)
  let closed: Promise<void> | undefined
  return {
    server,
    swf,
    start: async (given = {}) => {
      const workflowId = unique('w')
      const list = unique('list')
      const input = { domain: DOMAIN, workflowId, workflowType, taskList: { name: list }, ...given }
      const { runId } = await swf.startWorkflowExecution(input)
      return new Run(swf, input.workflowId, runId!, input.taskList.name)
    },
    close: () =>
      (closed ??= (async () => {
        swf.destroy()
        try {
          await checkAllHistories(server)
        } finally {
          await server.close()
        }
      })()),
  }
}

/** Opens a fixture for a test file. */
export async function fixture(options?: LocalSwfOptions): Promise<Fixture> {
  const opened = await openFixture(options)
  afterAll(() => opened.close())
  return opened
}

export async function registerAll(swf: SWF): Promise<void> {
  await swf.registerDomain({ name: DOMAIN, workflowExecutionRetentionPeriodInDays: '30' })
  await swf.registerWorkflowType({
    domain: DOMAIN,
    ...workflowType,
    defaultTaskList: { name: 'orders' },
    defaultTaskStartToCloseTimeout: '30',
    defaultExecutionStartToCloseTimeout: '600',
    defaultChildPolicy: 'TERMINATE',
  })
  await swf.registerActivityType({
    domain: DOMAIN,
    ...activityType,
    defaultTaskList: { name: 'charges' },
    defaultTaskStartToCloseTimeout: '30',
    defaultTaskScheduleToStartTimeout: '60',
    defaultTaskScheduleToCloseTimeout: '90',
    defaultTaskHeartbeatTimeout: 'NONE',
  })
}

/** One execution, and the decider of its own task list. */
export class Run {
  constructor(
    readonly swf: SWF,
    readonly workflowId: string,
    readonly runId: string,
    readonly list: string,
  ) {}

  get execution() {
    return { workflowId: this.workflowId, runId: this.runId }
  }

  poll(given: object = {}): Promise<DecisionTask> {
    return this.swf.pollForDecisionTask({ domain: DOMAIN, taskList: { name: this.list }, ...given }) as never
  }

  async respond(taskToken: string | undefined, ...decisions: Decision[]): Promise<void> {
    await this.swf.respondDecisionTaskCompleted({ taskToken, decisions })
  }

  /** Polls and answers with these decisions; returns the task. */
  async decide(...decisions: Decision[]): Promise<DecisionTask> {
    const task = await this.poll()
    expect(task.taskToken).toBeTruthy()
    await this.respond(task.taskToken, ...decisions)
    return task
  }

  /** The whole history, checked. */
  async history(): Promise<HistoryEvent[]> {
    const events: HistoryEvent[] = []
    let nextPageToken: string | undefined
    do {
      const page = await this.swf.getWorkflowExecutionHistory({
        domain: DOMAIN,
        execution: this.execution,
        nextPageToken,
      })
      events.push(...page.events!)
      nextPageToken = page.nextPageToken
    } while (nextPageToken)
    expect(checkHistory(events)).toEqual([])
    return events
  }

  /** The types of the events, without the words that they all have. */
  async types(): Promise<string[]> {
    return (await this.history()).map(({ eventType }) => eventType!)
  }

  async signal(signalName = 's', input?: string): Promise<void> {
    await this.swf.signalWorkflowExecution({ domain: DOMAIN, workflowId: this.workflowId, signalName, input })
  }

  terminate(): Promise<unknown> {
    return this.swf.terminateWorkflowExecution({ domain: DOMAIN, workflowId: this.workflowId })
  }

  describe() {
    return this.swf.describeWorkflowExecution({ domain: DOMAIN, execution: this.execution })
  }
}

/** The attributes of an event, whatever its type. */
export function attributes(event: HistoryEvent | undefined): Record<string, unknown> {
  const [, value] = Object.entries(event ?? {}).find(([name]) => name.endsWith('EventAttributes')) ?? []
  return value as Record<string, unknown>
}

/** The decisions, built. */
export const decide = {
  schedule: (activityId: string, given: object = {}): Decision => ({
    decisionType: 'ScheduleActivityTask',
    scheduleActivityTaskDecisionAttributes: { activityId, activityType, ...given },
  }),
  cancelActivity: (activityId: string): Decision => ({
    decisionType: 'RequestCancelActivityTask',
    requestCancelActivityTaskDecisionAttributes: { activityId },
  }),
  complete: (result?: string): Decision => ({
    decisionType: 'CompleteWorkflowExecution',
    completeWorkflowExecutionDecisionAttributes: { result },
  }),
  fail: (reason?: string, details?: string): Decision => ({
    decisionType: 'FailWorkflowExecution',
    failWorkflowExecutionDecisionAttributes: { reason, details },
  }),
  cancel: (details?: string): Decision => ({
    decisionType: 'CancelWorkflowExecution',
    cancelWorkflowExecutionDecisionAttributes: { details },
  }),
  continueAsNew: (given: object = {}): Decision => ({
    decisionType: 'ContinueAsNewWorkflowExecution',
    continueAsNewWorkflowExecutionDecisionAttributes: given,
  }),
  marker: (markerName: string, details?: string): Decision => ({
    decisionType: 'RecordMarker',
    recordMarkerDecisionAttributes: { markerName, details },
  }),
  timer: (timerId: string, startToFireTimeout: string, control?: string): Decision => ({
    decisionType: 'StartTimer',
    startTimerDecisionAttributes: { timerId, startToFireTimeout, control },
  }),
  cancelTimer: (timerId: string): Decision => ({
    decisionType: 'CancelTimer',
    cancelTimerDecisionAttributes: { timerId },
  }),
  child: (workflowId: string, given: object = {}): Decision => ({
    decisionType: 'StartChildWorkflowExecution',
    startChildWorkflowExecutionDecisionAttributes: { workflowId, workflowType, ...given },
  }),
  signal: (workflowId: string, given: object = {}): Decision => ({
    decisionType: 'SignalExternalWorkflowExecution',
    signalExternalWorkflowExecutionDecisionAttributes: { workflowId, signalName: 's', ...given },
  }),
  requestCancel: (workflowId: string, given: object = {}): Decision => ({
    decisionType: 'RequestCancelExternalWorkflowExecution',
    requestCancelExternalWorkflowExecutionDecisionAttributes: { workflowId, ...given },
  }),
  lambda: (id: string, name = 'f'): Decision => ({
    decisionType: 'ScheduleLambdaFunction',
    scheduleLambdaFunctionDecisionAttributes: { id, name },
  }),
}

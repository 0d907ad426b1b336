// A test's own SWF, decider and activities, in one process and in time that moves at will.

import { milliseconds, timeoutSeconds, type Duration, type Timeout } from '../swf/duration.js'
import { createSwfClient, type SwfClient } from '../swf/client.js'
import { decodeExecutionContext } from '../swf/execution-context.js'
import { createLocalSwf, type LocalSwf } from '../swf/local/index.js'
import { encodePayload } from '../swf/payload.js'
import { completeActivity, failActivity } from '../queues/open-task.js'
import { createLog, createMetrics } from '../telemetry.js'
import type { Handler } from '../workers/definitions.js'
import { Decider } from '../workers/decider/decider.js'
import { checkTypes } from '../workers/duplicate.js'
import { registerApp } from '../workers/register-app.js'
import type { WithInput } from '../workflow/contract.js'
import type { ActivityDefinition, WorkflowDefinition } from '../workflow/definition.js'
import { ActivityRunner } from './activity-runner.js'
import { testExecution, type TestExecution } from './execution.js'

export interface TestEnvironmentOptions {
  workflows: readonly WorkflowDefinition[]
  /** The activities, real or fake: `implement(charge, async () => ({ paymentId: 'p' }))`. @default none */
  handlers?: readonly Handler[]
  /** What is logged to the standard output, for a test that behaves strangely. @default 'silent' */
  logLevel?: string
  /** Changes the local SWF: its quotas, its faults, its Lambda functions. */
  local?: Omit<NonNullable<Parameters<typeof createLocalSwf>[0]>, 'clock' | 'data' | 'port' | 'host'>
  /** Executions that the decider keeps in memory; 0 replays each from its whole history. @default the decider's */
  cached?: number
}

export interface StartOptions {
  /** @default one of its own */
  workflowId?: string
  taskList?: string
  executionStartToClose?: Exclude<Timeout, 'NONE'>
  tagList?: string[]
}

/** One call of a handler. */
export interface ActivityCall<I = unknown> {
  readonly input: I
  readonly attempt: number
  readonly idempotencyKey: string
}

export interface TestEnvironment {
  /** The local SWF: `faults`, `exportHistory`, `importHistory`, `client`. */
  readonly local: LocalSwf
  readonly swf: SwfClient
  readonly domain: string
  /** The time that workflows see. */
  now(): Date
  /** Lets time pass, and everything happen that falls due meanwhile. */
  advance(duration: Duration): Promise<void>
  start<I, R>(workflow: WorkflowDefinition<I, R>, ...args: WithInput<I, StartOptions>): Promise<TestExecution<R>>
  /** Starts an execution and waits for its result, skipping all time in between. */
  execute<I, R>(workflow: WorkflowDefinition<I, R>, ...args: WithInput<I, StartOptions>): Promise<R>
  /** Completes the activity that a handler has left open; the token is what `job.leaveOpen` gave. Rejects with ActivityClosed. */
  completeActivity(token: string, result?: unknown): Promise<void>
  /** Fails it, as a handler that throws an ActivityFailure with this reason. */
  failActivity(token: string, reason: string, options?: { message?: string; details?: unknown }): Promise<void>
  /** The calls of an activity's handler, in their order. */
  calls<I>(activity: ActivityDefinition<I, unknown>): readonly ActivityCall<I>[]
  close(): Promise<void>
}

const DOMAIN = 'test'
let ids = 0

/**
 * Starts a test environment. Rejects with DuplicateType when two workflows, or two handlers, are of the same type.
 *
 * @example
 * const env = await testEnvironment({ workflows: [reminder], handlers: [implement(mail, async () => {})] })
 * await env.execute(reminder, { after: '30d' })   // takes milliseconds
 * expect(env.calls(mail)).toHaveLength(1)
 * await env.close()
 */
export async function testEnvironment(options: TestEnvironmentOptions): Promise<TestEnvironment> {
  const { workflows, handlers = [], logLevel = 'silent', cached } = options
  checkTypes('workflows', workflows)
  checkTypes(
    'handlers',
    handlers.map(({ definition }) => definition),
  )
  const local = await createLocalSwf({ ...options.local, clock: 'virtual' })
  let closed: Promise<void> | undefined
  // Once it is closed everything is gone, and nobody tries again.
  const gone = () => Promise.reject(Object.assign(new Error('the test is over'), { code: 'UnknownResourceFault' }))
  const swf = createSwfClient({
    transport: (action, input, given) => (closed ? gone() : local.call(action, input, given)),
  })
  const domain = DOMAIN
  await registerApp(swf, domain, { workflows, handlers }, 1)
  const log = createLog('test', logLevel)
  const activities = new ActivityRunner({ swf, domain, handlers, log, now: () => local.clock.now().getTime() })
  local.clock.pulse = () => activities.pulse()
  const decider = new Decider({
    swf,
    domain,
    workflows,
    log,
    metrics: createMetrics('test'),
    pollers: 2,
    ...(cached !== undefined && { cached }),
    announcer: {
      history: async (_execution, events) => {
        for (const event of events) {
          if (event.eventType === 'ActivityTaskScheduled') {
            activities.serve(event.activityTaskScheduledEventAttributes.taskList.name)
          }
        }
      },
      state: async (_execution, _startedEventId, executionContext) => {
        // Time must not jump from one try of the stuck workflow to the next.
        if (decodeExecutionContext(executionContext).stuck) local.clock.autoSkip = false
      },
      closing: () => {},
      cancel: () => {},
      present: () => async () => {},
    },
  })
  await decider.start()

  let waiting = 0
  const skipping = async <T>(work: () => Promise<T>): Promise<T> => {
    if (waiting++ === 0) local.clock.autoSkip = true
    try {
      return await work()
    } finally {
      if (--waiting === 0) local.clock.autoSkip = false
    }
  }
  const start = async <I, R>(
    workflow: WorkflowDefinition<I, R>,
    ...[input, given = {}]: WithInput<I, StartOptions>
  ) => {
    const { workflowId = `${workflow.name}-${++ids}`, taskList, executionStartToClose, tagList } = given
    const payload = encodePayload(input)
    const { runId } = await swf.startWorkflowExecution({
      domain,
      workflowId,
      workflowType: { name: workflow.name, version: workflow.version },
      taskList: { name: taskList ?? workflow.options.taskList },
      executionStartToCloseTimeout: timeoutSeconds(executionStartToClose ?? workflow.options.executionStartToClose),
      taskStartToCloseTimeout: timeoutSeconds(workflow.options.taskStartToClose),
      childPolicy: workflow.options.childPolicy,
      ...(payload !== undefined && { input: payload }),
      ...(tagList && { tagList }),
    })
    return testExecution<R>({ swf, domain, workflowId, runId: runId!, skipping })
  }
  return {
    local,
    swf,
    domain,
    now: () => local.clock.now(),
    advance: duration => {
      milliseconds(duration)
      return local.clock.advance(duration)
    },
    start,
    execute: async (workflow, ...args) => (await start(workflow, ...args)).result(),
    completeActivity: (token, result) => activities.end(token, given => completeActivity({ swf }, given, result)),
    failActivity: (token, reason, given) => activities.end(token, text => failActivity({ swf }, text, reason, given)),
    calls: <I>({ name, version }: ActivityDefinition<I, unknown>) =>
      activities.runs
        .filter(({ activityType }) => activityType.name === name && activityType.version === version)
        .map(({ input, attempt, idempotencyKey }) => ({ input: input as I, attempt, idempotencyKey })),
    close: () =>
      (closed ??= (async () => {
        // Polls end when their server closes.
        const stopped = Promise.all([decider.stop(), activities.stop()])
        await local.close()
        await stopped
        await Promise.all(handlers.map(handler => handler.close?.()))
        swf.close()
      })()),
  }
}

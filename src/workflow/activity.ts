// Calling an activity: a task for each try, and a timer between two.
//
// An activity id is `seq.try`: seq counts the calls of a run, try the tasks of one call. (SWF forbids : / and | in it.)
// The idempotency key is that of the call, so it is the same for every try.

import { seconds, timeoutMilliseconds, timeoutSeconds } from '../swf/duration.js'
import { HANDED_BACK, LEFT_OPEN, WORKER_LOST } from '../swf/failure.js'
import { decodePayload, encodePayload, type Envelope } from '../swf/payload.js'
import { checkTimeouts, type ActivityContract, type ActivityTimeouts } from './contract.js'
import {
  ActivityTaskCanceled,
  ActivityTaskFailed,
  ActivityTaskTimedOut,
  notSent,
  setBehind,
  TimeoutExpired,
  WorkflowFailure,
} from './errors.js'
import { scheduleActivityTask, type ActivityTaskSpec } from './replay/activity-tasks.js'
import { currentRun, outside, type RunContext, type StepObserver } from './replay/current.js'
import { cancelable } from './replay/operation.js'
import type { Scope } from './replay/scope.js'
import { startTimer } from './replay/timers.js'
import { encodeControl, nextDelay, resolveRetry, type ResolvedRetryPolicy, type RetryPolicy } from './retry.js'
import { SagaDeadlineExpired } from './saga-errors.js'
import { validate } from './validator.js'

/**
 * What one call of an activity may set for itself; everything else is the contract's. How soon workers notice that one of them
 * has died goes by the contract's heartbeat.
 */
export interface ActivityCallOptions extends Partial<ActivityTimeouts> {
  taskList?: string
  taskPriority?: number
  retry?: RetryPolicy
  /** Runs to its end although its scope or the execution is canceled: for clean-up. @default false */
  shielded?: boolean
}

const NOTHING: ActivityCallOptions = {}

/** Schedules an activity and resolves to its result. Rejects with a failure named after the event that closed the last try. */
export function callActivity<I, R>(
  definition: ActivityContract<I, R>,
  input: I,
  options: ActivityCallOptions = NOTHING,
): Promise<R> {
  const run = currentRun(`activity ${definition.name}`)
  const call = new ActivityCall(run, definition, input, options)
  return cancelable(call.result() as Promise<R>, cause => call.cancel(cause))
}

/** Reasons that say nothing of why the handler did not do its work. */
const SILENT: ReadonlySet<string> = new Set([HANDED_BACK, LEFT_OPEN, WORKER_LOST])

class ActivityCall {
  readonly #seq: number
  readonly #observer: StepObserver | undefined
  /** Undefined for a call that is shielded. */
  readonly #scope: Scope | undefined
  /** The contract's options, and what this call sets instead. */
  readonly #settings: ActivityContract['options']
  #canceled = false
  /** How the last try failed that told why: one that timed out did not. */
  #told: ActivityTaskFailed | undefined
  #cancelWaiting: (cause: WorkflowFailure) => void = () => {}

  constructor(
    private readonly run: RunContext,
    private readonly definition: ActivityContract,
    private readonly input: unknown,
    private readonly options: ActivityCallOptions,
  ) {
    this.#settings = options === NOTHING ? definition.options : { ...definition.options, ...given(options) }
    if (options !== NOTHING) checkTimeouts(definition.name, options)
    this.#seq = run.nextSeq()
    this.#observer = run.step
    this.#scope = options.shielded ? undefined : run.scope
  }

  cancel(cause: WorkflowFailure): void {
    this.#canceled = true
    const expired = originOf(cause)
    if (expired instanceof TimeoutExpired || expired instanceof SagaDeadlineExpired) setBehind(expired, this.#told)
    this.#cancelWaiting(cause)
  }

  async result(): Promise<unknown> {
    const scope = this.#scope
    if (!scope) return this.#tries()
    if (scope.cause) throw scope.cause
    const stopListening = scope.onCancel(() => this.cancel(scope.cause!))
    try {
      return await this.#tries()
    } finally {
      stopListening()
    }
  }

  async #tries(): Promise<unknown> {
    const { run, definition } = this
    const input = outside(() => validate(definition.options.input, this.input, `input of ${definition.name}`))
    const { retry } = definition.options
    let policy = resolveRetry(this.options.retry ? { ...retry, ...this.options.retry } : retry)
    const began = run.now
    let lastHeartbeat: unknown
    let attempt = 1
    this.#observer?.attempt(attempt)
    for (let task = 1; ; task++) {
      const operation = scheduleActivityTask(run.commands, this.#spec(task, input, { attempt, lastHeartbeat }, policy))
      this.#cancelWaiting = cause => operation.cancel(cause)
      try {
        const { value } = decodePayload(await operation.promise)
        return outside(() => validate(definition.options.result, value, `result of ${definition.name}`))
      } catch (failure) {
        policy = operation.policy ?? policy
        if (failure instanceof ActivityTaskFailed && !SILENT.has(failure.reason)) this.#told = failure
        if (failure instanceof ActivityTaskTimedOut || failure instanceof ActivityTaskFailed)
          lastHeartbeat = failure.lastHeartbeat === undefined ? lastHeartbeat : failure.lastHeartbeat
        const delay = this.#delay(failure, policy, attempt, run.now - began)
        if (delay === undefined) throw this.#final(failure, attempt)
        if (delay > 0) {
          attempt++
          this.#observer?.attempt(attempt)
          const timer = startTimer(run.commands, `${this.#seq}.${task}.retry`, seconds(delay))
          timer.retries = operation.effect
          this.#cancelWaiting = cause => timer.cancel(cause)
          await timer.promise
        }
      }
    }
  }

  /** Milliseconds to wait before the next try: 0 for a task that was handed back unrun; undefined when there is no next one. */
  #delay(failure: unknown, policy: ResolvedRetryPolicy, attempts: number, elapsed: number): number | undefined {
    if (this.#canceled) return undefined
    if (!(failure instanceof ActivityTaskFailed) && !(failure instanceof ActivityTaskTimedOut)) return undefined
    if (failure.reason === HANDED_BACK) return 0
    const chance = this.run.randomOf(`${this.#seq}.${attempts}`)
    const delay = nextDelay(policy, { attempts, reason: failure.reason, elapsed }, chance)
    return delay === undefined ? undefined : Math.max(delay, 1)
  }

  /** What the caller gets: a task that ended because its scope was canceled says that. */
  #final(failure: unknown, attempts: number): unknown {
    if (this.#canceled && this.#scope?.cause) return this.#scope.cause
    if (
      failure instanceof ActivityTaskFailed ||
      failure instanceof ActivityTaskTimedOut ||
      failure instanceof ActivityTaskCanceled
    ) {
      failure.attempts = attempts
      setBehind(failure, this.#told)
    }
    return failure
  }

  #spec(
    task: number,
    input: unknown,
    { attempt, lastHeartbeat }: { attempt: number; lastHeartbeat: unknown },
    policy: ResolvedRetryPolicy,
  ): ActivityTaskSpec {
    const { run, definition } = this
    const options = this.#settings
    const scheduleToClose = timeoutSeconds(options.scheduleToClose)
    const startToClose = timeoutSeconds(options.startToClose)
    const heartbeat = timeoutSeconds(options.heartbeat)
    const limit = timeoutMilliseconds(scheduleToClose)
    const { workflowId, runId } = run.execution
    const envelope: Envelope = {
      attempt,
      idempotencyKey: `${workflowId}/${runId}/${this.#seq}`,
      ...(limit !== undefined && { deadline: run.now + limit }),
      ...(startToClose !== 'NONE' && { startToClose: timeoutMilliseconds(startToClose)! }),
      ...(heartbeat !== 'NONE' && { heartbeat: timeoutMilliseconds(heartbeat)! }),
      ...(lastHeartbeat !== undefined && { lastHeartbeat }),
    }
    const { taskPriority } = options
    return {
      activityId: `${this.#seq}.${task}`,
      activityType: { name: definition.name, version: definition.version },
      input: this.#encode(input, envelope),
      control: task === 1 ? encodeControl(policy) : undefined,
      taskList: options.taskList,
      taskPriority: taskPriority === undefined ? undefined : String(taskPriority),
      startToCloseTimeout: startToClose,
      scheduleToStartTimeout: timeoutSeconds(options.scheduleToStart),
      scheduleToCloseTimeout: scheduleToClose,
      heartbeatTimeout: heartbeat,
    }
  }

  #encode(input: unknown, envelope: Envelope): string | undefined {
    try {
      return encodePayload(input, envelope)
    } catch (error) {
      throw notSent(`input of ${this.definition.name}`, error)
    }
  }
}

/** Returns what is behind a cancel at last. */
function originOf(cause: WorkflowFailure): WorkflowFailure {
  let origin = cause
  while (origin.cause instanceof WorkflowFailure) origin = origin.cause
  return origin
}

/** Returns the options that are given: one that is undefined is not. */
function given<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T
}

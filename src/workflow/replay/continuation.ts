// Continuing as new: the closing decision that begins the next run.
//
// W1. Everything is sent explicitly, as this run was started: SWF would take the type's defaults. Never the task list of the
//     decision task at work, which may be one decider's own.
// W2. Signals that nobody has read, idempotency keys, a cancel request and cursors travel in the input's envelope, beside what
//     the first run was started with.

import { continueAsNewWorkflowExecution, type ChildPolicy, type Decision } from '../../swf/decision.js'
import { milliseconds, seconds, timeoutMilliseconds, type Duration } from '../../swf/duration.js'
import type { Attributes, EventOf } from '../../swf/history-event.js'
import { decodePayload, encodePayload, PayloadTooLarge, type Continued, type Envelope } from '../../swf/payload.js'
import type { WorkflowContract } from '../workflow-contract.js'
import { Stuck } from './stuck.js'

/** What the next run does otherwise than this one. */
export interface ContinueOptions {
  /** A version of the workflow type that is registered. */
  version?: string
  taskList?: string
  executionStartToClose?: Duration
  taskStartToClose?: Duration
  childPolicy?: ChildPolicy
  tagList?: readonly string[]
  taskPriority?: number
}

/** Thrown by `continueAsNew` to end this run; it is no failure, so nothing is undone for it. Never catch it for good. */
export class ContinueAsNew extends Error {
  override readonly name = 'ContinueAsNew'
  constructor(
    readonly input: unknown,
    readonly options: ContinueOptions,
  ) {
    super('the run continues as new')
  }
}

/** What a run began with. */
export class Origin {
  /** What the run before has handed over. */
  readonly continued: Continued
  /** When the run was started, and when SWF will time it out, in milliseconds since 1970. */
  readonly startedAt: number
  readonly expiresAt: number
  readonly #attributes: Attributes<'WorkflowExecutionStarted'>
  readonly #envelope: Envelope
  readonly #defaults: WorkflowContract['options']

  constructor(event: EventOf<'WorkflowExecutionStarted'>, { options }: WorkflowContract) {
    this.#attributes = event.workflowExecutionStartedEventAttributes
    this.#defaults = options
    const { envelope } = decodePayload(this.#attributes.input)
    const { continued = {}, ...rest } = envelope
    this.continued = continued
    this.#envelope = rest
    this.startedAt = event.eventTimestamp.getTime()
    const lifetime = timeoutMilliseconds(this.#attributes.executionStartToCloseTimeout)
    this.expiresAt = this.startedAt + (lifetime ?? milliseconds(options.executionStartToClose))
  }

  /** Decoded and not yet validated; decoded anew each time, since author code may change what it is given. */
  get input(): unknown {
    return decodePayload(this.#attributes.input).value
  }

  /** Returns the decision that continues the run. Throws Stuck when what it hands over is too long for SWF. */
  continuedBy({ input, options }: ContinueAsNew, continued: Continued, eventId: number): Decision {
    const started = this.#attributes
    const { taskPriority, tagList = started.tagList, childPolicy = started.childPolicy } = options
    const text = encode(input, { ...this.#envelope, continued }, eventId)
    const priority = taskPriority === undefined ? started.taskPriority : String(taskPriority)
    const lifetime = started.executionStartToCloseTimeout ?? seconds(this.#defaults.executionStartToClose)
    const taskTime = started.taskStartToCloseTimeout ?? seconds(this.#defaults.taskStartToClose)
    const { executionStartToClose, taskStartToClose } = options
    return continueAsNewWorkflowExecution({
      ...(text !== undefined && { input: text }),
      taskList: { name: options.taskList ?? started.taskList.name },
      executionStartToCloseTimeout: executionStartToClose === undefined ? lifetime : seconds(executionStartToClose),
      taskStartToCloseTimeout: taskStartToClose === undefined ? taskTime : seconds(taskStartToClose),
      childPolicy,
      ...(tagList && { tagList: [...tagList] }),
      ...(priority !== undefined && { taskPriority: priority }),
      ...(started.lambdaRole !== undefined && { lambdaRole: started.lambdaRole }),
      workflowTypeVersion: options.version ?? started.workflowType.version,
    })
  }
}

/** Writes the input; where it is too long, the oldest idempotency keys are forgotten first. */
function encode(input: unknown, envelope: Envelope & { continued: Continued }, eventId: number): string | undefined {
  const { continued, ...rest } = envelope
  for (let keys = continued.signalKeys ?? []; ; keys = keys.slice(Math.ceil(keys.length / 2))) {
    const carried = { ...continued, ...(keys.length ? { signalKeys: keys } : {}) }
    if (!keys.length) delete carried.signalKeys
    try {
      return encodePayload(input, { ...rest, ...(Object.keys(carried).length && { continued: carried }) })
    } catch (error) {
      if (!(error instanceof PayloadTooLarge)) throw error
      if (!keys.length)
        throw new Stuck(`what the next run is to have, unread signals included, is too long: ${error.message}`, eventId)
    }
  }
}

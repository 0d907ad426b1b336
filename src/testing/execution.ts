// One execution of a test.

import type { SwfClient } from '../swf/client.js'
import { decodeExecutionContext, type Saga, type Stuck } from '../swf/execution-context.js'
import { decodeFailure, type Failure } from '../swf/failure.js'
import { readHistory } from '../swf/history.js'
import type { CloseStatus, EventOf, HistoryEvent } from '../swf/history-event.js'
import { attributesOf, isCloseEvent } from '../swf/history-event.js'
import { decodePayload, encodePayload } from '../swf/payload.js'
import type { SignalDefinition } from '../workflow/signal.js'
import type { StateDefinition } from '../workflow/state.js'

/** The execution closed, and not as completed. */
export class ExecutionNotCompleted extends Error {
  override readonly name = 'ExecutionNotCompleted'
  constructor(
    readonly workflowId: string,
    readonly status: Exclude<CloseStatus, 'COMPLETED'>,
    /** What it failed of, with its causes; undefined unless `status` is FAILED. */
    readonly failure: Failure | undefined,
  ) {
    const why = failure ? `: ${failure.reason}${failure.message ? `, ${failure.message}` : ''}` : ''
    super(`execution ${workflowId} is ${status}${why}`)
  }
}

/** The workflow's code does not fit, or has a mistake: the execution waits for code that is mended. */
export class ExecutionStuck extends Error {
  override readonly name = 'ExecutionStuck'
  constructor(
    readonly workflowId: string,
    readonly stuck: Stuck,
  ) {
    super(`execution ${workflowId} is stuck: ${stuck.reason}${stuck.location ? ` at ${stuck.location}` : ''}`)
  }
}

export interface TestExecution<R = unknown> {
  readonly workflowId: string
  /** The run that was started; `result` follows those that it continues as. */
  readonly runId: string
  /**
   * Resolves to the result; while it waits, time jumps to whatever comes next. Rejects with ExecutionNotCompleted, and with
   * ExecutionStuck.
   */
  result(): Promise<R>
  signal<T>(signal: SignalDefinition<T>, input: T, options?: { idempotencyKey?: string }): Promise<void>
  requestCancel(): Promise<void>
  terminate(reason?: string): Promise<void>
  status(): Promise<'OPEN' | CloseStatus>
  /** What a state shows. */
  state<S>(state: StateDefinition<S>): Promise<S>
  /** What `setState` has shown last; undefined before that. */
  state(): Promise<unknown>
  saga(): Promise<Saga | undefined>
  history(): Promise<HistoryEvent[]>
}

export interface ExecutionOptions {
  swf: SwfClient
  domain: string
  workflowId: string
  runId: string
  /** Does something while time jumps. */
  skipping: <T>(work: () => Promise<T>) => Promise<T>
}

export function testExecution<R>(options: ExecutionOptions): TestExecution<R> {
  const { swf, domain, workflowId, runId, skipping } = options
  let run = runId
  const describe = () => swf.describeWorkflowExecution({ domain, execution: { workflowId, runId: run } })
  const context = async () => decodeExecutionContext((await describe()).latestExecutionContext)
  const history = () => readHistory(swf, domain, { workflowId, runId: run })

  /** Resolves to the event that closed the last run of the chain. */
  const closed = async (): Promise<HistoryEvent> => {
    for (;;) {
      const { executionInfo, latestExecutionContext } = await describe()
      if (executionInfo?.executionStatus === 'CLOSED') {
        const last = (await history()).at(-1)!
        if (last.eventType !== 'WorkflowExecutionContinuedAsNew') return last
        run = last.workflowExecutionContinuedAsNewEventAttributes.newExecutionRunId
        continue
      }
      const { stuck } = decodeExecutionContext(latestExecutionContext)
      if (stuck) throw new ExecutionStuck(workflowId, stuck)
      await new Promise(resolve => setTimeout(resolve, 1))
    }
  }

  return {
    workflowId,
    runId,
    result: async () => {
      const event = await skipping(closed)
      if (event.eventType === 'WorkflowExecutionCompleted') {
        return decodePayload(event.workflowExecutionCompletedEventAttributes.result).value as R
      }
      throw notCompleted(workflowId, event)
    },
    signal: async (signal, input, { idempotencyKey } = {}) => {
      const payload = encodePayload(input, { ...(idempotencyKey !== undefined && { idempotencyKey }) })
      const text = payload === undefined ? {} : { input: payload }
      await swf.signalWorkflowExecution({ domain, workflowId, signalName: signal.name, ...text })
    },
    requestCancel: () => swf.requestCancelWorkflowExecution({ domain, workflowId }) as Promise<void>,
    terminate: reason =>
      swf.terminateWorkflowExecution({ domain, workflowId, ...(reason && { reason }) }) as Promise<void>,
    status: async () => {
      const { executionInfo } = await describe()
      return executionInfo?.closeStatus ?? 'OPEN'
    },
    state: async <S>(definition?: StateDefinition<S>) => {
      const { state = definition?.initial } = await context()
      return state as S
    },
    saga: async () => (await context()).saga,
    history,
  }
}

function notCompleted(workflowId: string, event: HistoryEvent): ExecutionNotCompleted {
  if (!isCloseEvent(event)) throw new TypeError(`${event.eventType} closes nothing`)
  const status = STATUS[event.eventType as keyof typeof STATUS]
  const { reason, details } = attributesOf(
    event,
  ) as EventOf<'WorkflowExecutionFailed'>['workflowExecutionFailedEventAttributes']
  const failure = status === 'FAILED' ? decodeFailure('WORKFLOW_EXECUTION_FAILED', reason, details) : undefined
  return new ExecutionNotCompleted(workflowId, status, failure)
}

const STATUS = {
  WorkflowExecutionFailed: 'FAILED',
  WorkflowExecutionCanceled: 'CANCELED',
  WorkflowExecutionTimedOut: 'TIMED_OUT',
  WorkflowExecutionTerminated: 'TERMINATED',
} as const

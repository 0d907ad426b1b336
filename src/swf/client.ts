// The way to SWF: one method an action. How a call travels is the transport's affair.
//
// C1. A poll is never retried here: a poll whose answer is lost has lost its task until the task's timeout, and a second
//     poll would hide that.
// C2. Every other action is tried up to three times when SWF throttles or does not answer; the caller decides what is after
//     that. What would be done twice, though, only when it was throttled: without an answer it may have been done.
// C3. A deadline is for all tries together, whatever SWF or the way to it does.
// C4. Inputs and outputs are the SDK's: timestamps are Dates, whatever the transport.
// C5. What time it is for SWF is learned from its answers (SwfClock).

import { setTimeout as delay } from 'node:timers/promises'
import type { Metrics } from '../telemetry.js'
import { durationText } from './duration.js'
import { SwfFault } from './errors.js'
import { SwfClock } from './swf-clock.js'
import type { Action, Actions } from './client-actions.js'
import type { DirectCall, Transport } from './transport.js'
import { httpTransport } from './transport-http.js'
import { measuredTransport } from './transport-measured.js'
import { sdkTransport } from './transport-sdk.js'

/** An execution as SWF lists and describes it. */
export type WorkflowExecutionInfo = NonNullable<Actions['ListOpenWorkflowExecutions'][1]['executionInfos']>[number]
export type ActivityTask = Actions['PollForActivityTask'][1]
export type DecisionTask = Actions['PollForDecisionTask'][1]

export interface CallOptions {
  /** Gives the call up. Do not abort a poll on shutdown: its task would be lost. */
  signal?: AbortSignal
  /** How long to wait for the answer, in milliseconds. @default 75_000 for polls, else 10_000 */
  timeout?: number
  /** How long all tries together may take, in milliseconds; then the call rejects with SWF_UNAVAILABLE. @default as long as they take */
  deadline?: number
}

/** SWF, one method an action: `swf.startWorkflowExecution(input)`. Every method rejects with a SwfFault. */
export type SwfClient = {
  [A in Action as Uncapitalize<A>]: (input: Actions[A][0], options?: CallOptions) => Promise<Actions[A][1]>
} & { readonly clock: SwfClock; close(): void }

export interface SwfClientOptions {
  /**
   * `sdk`: the AWS SDK, with its credentials, region and signatures: for Amazon.
   * `http`: plain keep-alive requests, unsigned: for a local SWF; needs `endpoint`.
   * A function: a direct call, such as a local SWF's own `call`.
   * @default 'sdk'
   */
  transport?: 'sdk' | 'http' | DirectCall
  /** URL of SWF. @default what the SDK finds: AWS_ENDPOINT_URL_SWF, else Amazon's endpoint for the region */
  endpoint?: string
  region?: string
  /** The most polls that this client holds open at a time. @default 100 */
  maxPolls?: number
  /** Where calls are counted. */
  metrics?: Pick<Metrics, 'swfCalls' | 'swfCallDuration'>
}

const TRIES = 3
const POLLS: ReadonlySet<Action> = new Set(['PollForActivityTask', 'PollForDecisionTask'])
const ONCE: ReadonlySet<Action> = new Set([
  'StartWorkflowExecution',
  'SignalWorkflowExecution',
  'RequestCancelWorkflowExecution',
  'TerminateWorkflowExecution',
])
const POLL_TIMEOUT = 75_000
const CALL_TIMEOUT = 10_000

/** Returns a client. It opens no connection before its first call. */
export function createSwfClient(options: SwfClientOptions = {}): SwfClient {
  const clock = new SwfClock()
  const { transport, close } = openTransport(options, clock)
  const call = async (action: Action, input: object, { signal, timeout }: CallOptions = {}): Promise<unknown> => {
    const poll = POLLS.has(action)
    for (let tries = 1; ; tries++) {
      try {
        return await transport(action, input, {
          timeout: timeout ?? (poll ? POLL_TIMEOUT : CALL_TIMEOUT),
          ...(signal && { signal }),
        })
      } catch (error) {
        const again =
          !poll &&
          tries < TRIES &&
          error instanceof SwfFault &&
          (ONCE.has(action) ? error.code === 'THROTTLED' : error.retryable) &&
          !signal?.aborted
        if (!again) throw error
        await delay(50 * 4 ** (tries - 1) * (0.5 + Math.random()))
      }
    }
  }
  return new Proxy({ clock, close } as SwfClient, {
    get: (target, name) => {
      if (name in target || typeof name !== 'string' || name === 'then') return Reflect.get(target, name)
      const action = `${name[0]!.toUpperCase()}${name.slice(1)}` as Action
      const method = (input: object, { deadline, ...callOptions }: CallOptions = {}) =>
        deadline === undefined
          ? call(action, input, callOptions)
          : within(deadline, action, callOptions, limited => call(action, input, limited))
      Reflect.set(target, name, method)
      return method
    },
  })
}

/** Makes a call with a deadline: it is given up then, even when no connection has come about that could be given up. */
async function within(
  deadline: number,
  action: Action,
  options: CallOptions,
  call: (options: CallOptions) => Promise<unknown>,
): Promise<unknown> {
  const controller = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, controller.signal]) : controller.signal
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const message = `SWF did not answer within ${durationText(deadline)}`
      reject(new SwfFault('SWF_UNAVAILABLE', 'DeadlineExceeded', action, message))
      controller.abort(new Error(message))
    }, deadline)
  })
  return Promise.race([call({ ...options, signal }), over]).finally(() => clearTimeout(timer))
}

function openTransport(options: SwfClientOptions, clock: SwfClock): { transport: Transport; close(): void } {
  const { transport: how = 'sdk', metrics, endpoint } = options
  const opened = how === 'sdk' ? sdkTransport(options, clock) : httpTransport(how, endpoint, clock)
  return metrics ? { ...opened, transport: measuredTransport(opened.transport, metrics) } : opened
}

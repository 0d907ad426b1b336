// Lambda functions of ScheduleLambdaFunction: functions of this process, or URLs on loopback.
//
// L1. Without the option `lambda` no role can be assumed, and neither can it when the execution has none.
// L2. A function is called when its LambdaFunctionStarted is safe. One that was at work when the server died is called
//     again: like the real ones, functions have to bear that.
// L3. What a function answers after its timeout, or after its execution has closed, goes nowhere.

import { beginningOf } from '../../cut.js'
import type { Execution, LambdaFunction } from './execution.js'
import type { Store } from './store.js'

/** What a function is told of its call. */
export interface LambdaContext {
  readonly functionName: string
  /** The `id` of the decision. */
  readonly id: string
  readonly workflowExecution: { readonly workflowId: string; readonly runId: string }
  /** Aborts at the timeout, and when the execution closes. */
  readonly signal: AbortSignal
}

/**
 * A function: it is given the decision's input, parsed where it is JSON; what it returns becomes the result as JSON; what it
 * throws fails it, with the error's name as `reason`.
 */
export type LambdaHandler = (input: unknown, context: LambdaContext) => unknown

/** Functions by name. A text is a URL on loopback: the input is POSTed to it, a 2xx answer is the result. */
export type Lambdas = Readonly<Record<string, LambdaHandler | string>>

const MAX_DATA = 32_768
const MAX_REASON = 256
const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/

/** How a call ended: what LambdaFunctionCompleted, or LambdaFunctionFailed, says. */
export type Outcome =
  | { readonly result: string | undefined }
  | { readonly reason: string | undefined; readonly details: string | undefined }

/** Throws a RangeError for a URL that is not one of this machine. */
export function checkLambdas(lambdas: Lambdas): Lambdas {
  for (const [name, lambda] of Object.entries(lambdas)) {
    if (typeof lambda === 'function') continue
    const url = URL.canParse(lambda) ? new URL(lambda) : undefined
    if (!url || !/^https?:$/.test(url.protocol) || !LOOPBACK.test(url.hostname)) {
      throw new RangeError(`The lambda function ${name} must be a function or an HTTP URL on loopback, not ${lambda}`)
    }
  }
  return lambdas
}

export class LambdaRunner {
  #calls = new Map<LambdaFunction, AbortController>()

  constructor(private readonly lambdas: Lambdas | undefined) {}

  /** Why a function cannot be started; undefined when it can. */
  refusal(x: Execution): string | undefined {
    if (!x.lambdaRole) return 'The execution has no lambdaRole'
    if (!this.lambdas) return `${x.lambdaRole} can not be assumed: this local SWF was started without the option lambda`
    return undefined
  }

  /** Calls a function that has started, once that is safe; `end` is told of its outcome, unless it was abandoned before. */
  call(lambda: LambdaFunction, store: Store, end: (outcome: Outcome) => void): void {
    const controller = new AbortController()
    this.#calls.set(lambda, controller)
    store.afterCommit(() => {
      void this.#outcome(lambda, controller.signal).then(outcome => {
        if (this.#calls.delete(lambda)) end(outcome)
      })
    })
  }

  /** Says that nobody waits for a function any more. */
  abandon(lambda: LambdaFunction): void {
    const controller = this.#calls.get(lambda)
    this.#calls.delete(lambda)
    controller?.abort(new DOMException(`The lambda function ${lambda.name} is not waited for any more`, 'AbortError'))
  }

  close(): void {
    for (const lambda of [...this.#calls.keys()]) this.abandon(lambda)
  }

  async #outcome(lambda: LambdaFunction, signal: AbortSignal): Promise<Outcome> {
    const { name, id, input, execution } = lambda
    const handler = this.lambdas && Object.hasOwn(this.lambdas, name) ? this.lambdas[name] : undefined
    try {
      if (handler === undefined) throw named('ResourceNotFoundException', `Function not found: ${name}`)
      if (typeof handler === 'string') return await post(handler, lambda, signal)
      const { workflowId, runId } = execution
      const value = await handler(parsed(input), {
        functionName: name,
        id,
        workflowExecution: { workflowId, runId },
        signal,
      })
      return fitting(JSON.stringify(value))
    } catch (error) {
      const {
        name: errorType,
        message: errorMessage,
        stack,
      } = error instanceof Error ? error : new Error(String(error))
      const details = JSON.stringify({ errorMessage, errorType, stackTrace: stack?.split('\n').slice(1, 20) })
      return { reason: beginningOf(errorType, MAX_REASON), details: beginningOf(details, MAX_DATA) }
    }
  }
}

async function post(
  url: string,
  { id, name, input, execution }: LambdaFunction,
  signal: AbortSignal,
): Promise<Outcome> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-swf-function-name': name,
      'x-swf-function-id': encodeURIComponent(id),
      'x-swf-workflow-id': encodeURIComponent(execution.workflowId),
      'x-swf-run-id': execution.runId,
    },
    body: input ?? '',
    signal,
  })
  const text = await response.text()
  const failed = response.headers.get('x-amz-function-error')
  if (response.ok && !failed) return fitting(text)
  return { reason: beginningOf(failed ?? `HTTP ${response.status}`, MAX_REASON), details: beginningOf(text, MAX_DATA) }
}

function fitting(result: string | undefined): Outcome {
  if (result !== undefined && result.length > MAX_DATA) {
    throw named('ResultTooLarge', `The result has ${result.length} characters; SWF takes ${MAX_DATA}`)
  }
  return { result }
}

const named = (name: string, message: string) => Object.assign(new Error(message), { name })

function parsed(input: string | undefined): unknown {
  if (input === undefined) return undefined
  try {
    return JSON.parse(input)
  } catch {
    return input
  }
}

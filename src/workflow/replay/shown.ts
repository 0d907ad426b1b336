// What a workflow shows of itself, and what of it SWF was last given. An executionContext is sent only when it has changed.

import {
  decodeExecutionContext,
  encodeExecutionContext,
  openSaga,
  type ExecutionContext,
  type Saga,
  type SagaState,
} from '../../swf/execution-context.js'

/** What an answer says of the workflow. */
export interface ShownNow {
  context: ExecutionContext
  /** Present when it has changed since SWF was last given one. */
  executionContext?: string
  /** The state that its saga has entered since SWF was last given one. */
  sagaEntered?: SagaState
}

export class Shown {
  saga?: Saga
  state?: unknown
  #sent: string | undefined

  /** SWF was given this. */
  sent(executionContext: string): void {
    this.#sent = executionContext
  }

  /** The end of a saga is shown with the closing decision, not before. */
  now(isClosing: boolean): ShownNow {
    const { saga, state } = this
    const context: ExecutionContext = {
      ...(saga && { saga: isClosing ? saga : openSaga(saga) }),
      ...(state !== undefined && { state }),
    }
    const empty = Object.keys(context).length === 0 && this.#sent === undefined
    const executionContext = empty ? undefined : encodeExecutionContext(context)
    const changed = executionContext !== this.#sent
    const entered = changed && context.saga?.state !== decodeExecutionContext(this.#sent).saga?.state
    return {
      context,
      ...(executionContext !== undefined && changed && { executionContext }),
      ...(context.saga && entered && { sagaEntered: context.saga.state }),
    }
  }
}

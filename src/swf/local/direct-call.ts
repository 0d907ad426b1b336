// Actions without HTTP, for callers in the same process: the same answers, as values.

import type { Context } from './actions.js'
import { act } from './actions.js'
import { Fault } from './fault.js'
import { ReplyDropped } from './faults.js'
import { internal } from './server.js'

/** Does an action; resolves when what it rests on is safe. Rejects with a Fault, or with the reason of `signal`. */
export function directCall(context: Context, action: string, input: object, signal?: AbortSignal): Promise<unknown> {
  const { store } = context.engine
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const gone: (() => void)[] = []
    const onAbort = () => {
      for (const then of gone) then()
      reject(signal!.reason as Error)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    const done = (then: () => void) => {
      signal?.removeEventListener('abort', onAbort)
      store.afterCommit(then)
    }
    const succeed = (value: object | string | undefined | void) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value)
      done(() => resolve(text === undefined ? undefined : JSON.parse(text)))
    }
    const fail = (error: unknown) => {
      const known = error instanceof Fault || error instanceof ReplyDropped
      done(() => reject(known ? error : internal(error)))
    }
    const caller = { alive: () => !signal?.aborted, onGone: (then: () => void) => void gone.push(then) }
    try {
      const answer = act(action, input, context, caller)
      if (answer instanceof Promise) answer.then(succeed, fail)
      else succeed(answer)
    } catch (error) {
      fail(error)
    }
  })
}

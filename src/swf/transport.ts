// How a call travels: what the transports have in common.

import type { Action } from './client-actions.js'

/** Carries one call; rejects with a SwfFault. */
export type Transport = (
  action: Action,
  input: object,
  options: { signal?: AbortSignal; timeout: number },
) => Promise<unknown>

/** Answers an action without a network; speaks SWF's wire shapes (timestamps are seconds since 1970). */
export type DirectCall = (action: string, input: object, options?: { signal?: AbortSignal }) => Promise<unknown>

// What one operation touches, counted while it runs, whatever the path on which it gets there.
//
// B1. An operation that touches more than LIMITS.objects, or would read more than LIMITS.reads from SWF, is told so at the field
//     that goes beyond; what was there before is answered.
// B2. However much is allowed, the event loop has its turn: probes, heartbeats of sockets and other operations go on.

import { defaultFieldResolver, isObjectType, type GraphQLSchema } from 'graphql'
import { monotonic } from '../clock.js'
import { isFault, type SwfFault } from '../swf/errors.js'
import { isLookUp } from './cost.js'
import { apiError } from './errors.js'
import { LIMITS } from './limits.js'

/** How long an operation computes before others have their turn, in milliseconds. */
const SLICE = 10

export class Budget {
  #objects = 0
  #reads = 0
  #unanswered: SwfFault | undefined
  #since = monotonic()
  readonly #waiting: (() => void)[] = []

  /** Counts objects; throws LIMIT_EXCEEDED when they are too many. */
  touch(objects: number): void {
    if ((this.#objects += objects) > LIMITS.objects)
      throw apiError(
        'LIMIT_EXCEEDED',
        `This operation touches more than ${LIMITS.objects.toLocaleString('en-US')} objects: ask for smaller pages with first, or in several operations`,
      )
  }

  /**
   * Counts a read from SWF that is about to be made; throws LIMIT_EXCEEDED when there were too many, and what `unread` was
   * told when SWF does not answer: an operation waits for that once, not with each read anew.
   */
  read(): void {
    if (this.#unanswered) throw this.#unanswered
    if (++this.#reads > LIMITS.reads)
      throw apiError(
        'LIMIT_EXCEEDED',
        `This operation needs more than ${LIMITS.reads} reads from SWF: ask for smaller pages, or leave out what only histories know`,
      )
  }

  /** Takes note of a read that has failed; throws its error. */
  readonly unread = (error: unknown): never => {
    if (isFault(error, 'SWF_UNAVAILABLE')) this.#unanswered = error
    throw error
  }

  /** Begins anew, for the next event of a subscription. */
  reset(): void {
    this.#objects = this.#reads = 0
    this.#unanswered = undefined
    this.#since = monotonic()
  }

  /** Tells whether others are to have their turn before anything more is computed: then await `turn`. */
  get isDue(): boolean {
    return this.#waiting.length > 0 || monotonic() - this.#since > SLICE
  }

  /** Resolves when the event loop has had its turn, for one after the other of those that wait. */
  turn(): Promise<void> {
    return new Promise(resolve => {
      this.#waiting.push(resolve)
      if (this.#waiting.length === 1) setImmediate(this.#begin)
    })
  }

  readonly #begin = (): void => {
    this.#since = monotonic()
    this.#next()
  }

  /** Lets the first of those that wait go on, and the next one when what it wakes has been computed. */
  readonly #next = (): void => {
    if (monotonic() - this.#since > SLICE) return void setImmediate(this.#begin)
    this.#waiting.shift()?.()
    // A tick that is queued from a microtask runs when no microtask is left.
    if (this.#waiting.length > 0) queueMicrotask(() => process.nextTick(this.#next))
  }
}

/** Has every field of a schema that looks something up keep to the budget of its operation; returns the schema. */
export function withBudget(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type === schema.getSubscriptionType()) continue
    for (const field of Object.values(type.getFields())) {
      if (!isLookUp(field)) continue
      const { resolve = defaultFieldResolver } = field
      field.resolve = async (source, args, context: { budget: Budget }, info) => {
        const { budget } = context
        if (budget.isDue) await budget.turn()
        // Before the look-up, so that what is over the limit costs nothing more.
        budget.touch(1)
        const found: unknown = await resolve(source, args, context, info)
        budget.touch(countOf(found) - 1)
        // What was found has fields, which graphql-js completes without a pause.
        if (budget.isDue) await budget.turn()
        return found
      }
    }
  }
  return schema
}

function countOf(found: unknown): number {
  if (Array.isArray(found)) return found.length
  const { nodes } = (found ?? {}) as { nodes?: unknown }
  return Array.isArray(nodes) ? nodes.length : 1
}

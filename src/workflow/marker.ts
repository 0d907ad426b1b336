// Markers: what a run has found out by itself, recorded in its history.

import { decodePayload, encodePayload } from '../swf/payload.js'
import { currentRun, outside } from './replay/current.js'

/**
 * Calls `fn` once and returns what it returned, in every replay too: its value is recorded by a marker, as JSON. `fn` may read
 * a clock or chance; it must not wait and not fail, and what takes long or may fail is the affair of an activity.
 *
 * @example const sample = sideEffect(() => Math.random() < 0.01, 'sampled')
 */
export function sideEffect<T>(fn: () => T extends PromiseLike<unknown> ? never : T, name?: string): T {
  const run = currentRun('sideEffect')
  const markerName = [run.nextSeq(), 'sideEffect', ...(name === undefined ? [] : [name])].join('.')
  if (markerName.length > 256) throw new RangeError(`the name of a side effect is too long: ${name}`)
  const find = () => {
    try {
      const value: unknown = outside(fn)
      if (value instanceof Promise) throw new TypeError('it returns a promise: use an activity')
      return encodePayload(value)
    } catch (error) {
      // Whatever the code makes of it, a replay could not repeat it.
      throw run.stuck(`side effect ${markerName} failed: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  const recorded = run.markers.value(markerName, find)
  if (!recorded) throw run.stuck(`divergence: the code asks for RecordMarker ${markerName}, the history has none`)
  return decodePayload(recorded.details).value as T
}

/**
 * Tells whether a run does what was changed: true from now on, false for runs that were past this point before the change. The
 * first call decides for the whole run, and a marker records it. Once no run without the marker is open, the call and the old
 * code may go.
 *
 * @example
 * if (patched('ask-the-warehouse-first')) await reserve(order)
 */
export function patched(id: string): boolean {
  if (!id || id.length > 200) throw new RangeError('the id of a patch has 1 to 200 characters')
  return currentRun('patched').markers.patched(id)
}

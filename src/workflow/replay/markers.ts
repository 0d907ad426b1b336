// Markers: values that were found out once, and patches.
//
// N1. In a replay a value is looked ahead in the recorded decisions of the task at work, which is where its marker stands.
// N2. A patch is on when its marker is recorded, wherever that is, or the code is live; off in a replay without it, and then
//     for ever.

import { recordMarker } from '../../swf/decision.js'
import { attributesOf, type HistoryEvent } from '../../swf/history-event.js'
import type { Commands } from './commands.js'
import { isPatchMarker, PATCH_MARKER } from './divergence.js'

export class Markers {
  /** Of the task that is replayed; undefined while the code is live. */
  #recorded: Map<string, string | undefined> | undefined
  readonly #patches = new Map<string, boolean>()

  constructor(private readonly commands: Commands) {}

  /** Looks ahead in what a task has recorded. */
  replaying(decisions: readonly HistoryEvent[]): void {
    this.#recorded = new Map()
    for (const event of decisions) {
      if (event.eventType !== 'MarkerRecorded') continue
      const { markerName, details } = attributesOf(event) as { markerName: string; details?: string }
      this.#recorded.set(markerName, details)
    }
  }

  /** Looks for patches in all that is known of the history: wherever the code asks for one now, it is on. */
  known(events: readonly HistoryEvent[]): void {
    for (const event of events)
      if (isPatchMarker(event))
        this.#patches.set((attributesOf(event).markerName as string).slice(PATCH_MARKER.length), true)
  }

  /** The code is live: what it finds out now will be recorded. */
  live(): void {
    this.#recorded = undefined
  }

  /** What the code does now was not recorded yet. */
  get isLive(): boolean {
    return this.#recorded === undefined
  }

  /** Returns what a marker holds, or was found out by `find` just now. Undefined when a replay knows of no such marker. */
  value(markerName: string, find: () => string | undefined): { details: string | undefined } | undefined {
    if (this.#recorded && !this.#recorded.has(markerName)) return undefined
    const details = this.#recorded ? this.#recorded.get(markerName) : find()
    this.commands.tell(recordMarker({ markerName, ...(details !== undefined && { details }) }))
    return { details }
  }

  patched(id: string): boolean {
    const known = this.#patches.get(id)
    if (known !== undefined) return known
    const on = this.#recorded === undefined
    this.#patches.set(id, on)
    if (on) this.commands.tell(recordMarker({ markerName: `${PATCH_MARKER}${id}` }))
    return on
  }
}

// Commands: what author code has asked of SWF, from the asking to the event that records it.
//
// M1. Commands leave in the order that author code asked for them.
// M2. What is canceled before it has left is taken back; afterwards the cancel is a command of its own, which is taken back in
//     turn if the end is heard of before it has left.
// M3. As many operations of a kind are open as SWF lets be; the others wait their turn, first come first served. A timer's
//     place is free when its cancel is asked for, any other's when its outcome is heard.
// M4. What does not fit into one answer leaves with the next, which a timer of no length brings about. Replay cuts where the
//     history was cut, whatever the sizes are now.
// M5. A marker of a patch that the code does not ask for any more is skipped.

import { decisionAttributes, startTimer, type Decision } from '../../swf/decision.js'
import { attributesOf, type HistoryEvent } from '../../swf/history-event.js'
import { describe, describeEvent, difference, isPatchMarker } from './divergence.js'
import { MOST_BYTES, MOST_OPEN, SURELY_FIT, type Window } from './limits.js'
import { Operation } from './operation.js'
import { OPEN_BYTES } from './size.js'
import { Stuck } from './stuck.js'

/** An operation that begins with a decision. */
export abstract class Asked<T> extends Operation<T> {
  /** Which of SWF's limits it counts for. */
  readonly window: Window | undefined = undefined
  /** Nobody waits for it: it alone does not keep a workflow going. */
  background = false
  /** How long the text is that goes with it. */
  readonly characters: number = 0
  /** What may be lost if the run closes now, such as `activity Mail`; undefined where that is as it should be. */
  get effect(): string | undefined {
    return undefined
  }
  /** Unique in the run. */
  abstract readonly label: string
  abstract decision(): Decision
  /** Hears of the event that records its decision. */
  recorded(_event: HistoryEvent): void {}
  /** Ends it, since it was taken back before it had left. */
  abstract takenBack(cause: unknown): void
}

interface Command {
  decision: Decision
  /** What the decision begins. */
  operation?: Asked<any>
  /** What the decision is to end. */
  ends?: Asked<any>
}

const WINDOWS = ['activity', 'timer', 'child'] as const satisfies readonly Window[]
const MORE_TIMER = 'swf-gateway.more.'

/** Tells whether a timer brings about the answer that takes what did not fit into the one before. */
export function isMoreTimer(timerId: unknown): boolean {
  return typeof timerId === 'string' && timerId.startsWith(MORE_TIMER)
}

export class Commands {
  /** Emitted and not yet found in the history. */
  #emitted: Command[] = []
  /** Event that began (or refused) an operation → the operation. */
  readonly #byEvent = new Map<number, Asked<any>>()
  /** Operations whose end was asked for. */
  readonly #ending = new Set<Asked<any>>()
  /** Of what is open. */
  #characters = 0
  readonly #open: Record<Window, Set<Asked<any>>> = { activity: new Set(), timer: new Set(), child: new Set() }
  /** SWF starts no more timers for a while, and one was asked for again at once: nothing else could wait for it. */
  throttled = false
  readonly #waiting: Record<Window, Asked<any>[]> = { activity: [], timer: [], child: [] }

  /** True while an event may still come of what was asked. */
  get outstanding(): boolean {
    if (this.#emitted.some(({ operation }) => !operation?.background)) return true
    for (const operation of this.#byEvent.values()) if (!operation.background) return true
    return false
  }

  /** Operations of a kind that are open, or about to be. */
  open(window: Window): number {
    return this.#open[window].size
  }

  /** What may be lost if the run closes now. */
  get effects(): string[] {
    return WINDOWS.flatMap(window => [...this.#open[window], ...this.#waiting[window]]).flatMap(
      operation => operation.effect ?? [],
    )
  }

  /** About how much memory is taken by what is open or waits its turn. */
  get bytes(): number {
    let count = 0
    for (const window of WINDOWS) count += this.#open[window].size + this.#waiting[window].length
    return count * OPEN_BYTES + this.#characters
  }

  /** Asks for an operation, as soon as SWF's limits let it. */
  ask(operation: Asked<any>): void {
    const { window } = operation
    if (window && (this.#waiting[window].length || this.#open[window].size >= MOST_OPEN[window]))
      this.#waiting[window].push(operation)
    else this.#emit(operation)
  }

  /** Asks for an operation first of all when another one of its kind has ended; at once when none is open. */
  askNext(operation: Asked<any>): void {
    const { window } = operation
    if (window && this.#open[window].size > 0) this.#waiting[window].unshift(operation)
    else this.ask(operation)
  }

  /** Asks for what has no outcome of its own; for the end of an operation that may be, which is taken back if it ends before. */
  tell(decision: Decision, ends?: Asked<any>): void {
    this.#emitted.push({ decision, ...(ends && { ends }) })
    if (ends) this.#ending.add(ends)
  }

  /** Frees the place of an operation that is about to end. */
  release(operation: Asked<any>): void {
    const { window } = operation
    if (!window || !this.#open[window].delete(operation)) return
    this.#characters -= operation.characters
    const next = this.#waiting[window].shift()
    if (next) this.#emit(next)
  }

  /** Takes an operation back that has not left; true when that was so. */
  takeBack(operation: Asked<any>): boolean {
    const waiting = operation.window ? this.#waiting[operation.window] : []
    const place = waiting.indexOf(operation)
    if (place >= 0) {
      waiting.splice(place, 1)
      return true
    }
    const index = this.#emitted.findIndex(command => command.operation === operation)
    if (index < 0) return false
    this.#emitted.splice(index, 1)
    this.release(operation)
    return true
  }

  /** Returns the operation that an event began. */
  at(eventId: number): Asked<any> | undefined {
    return this.#byEvent.get(eventId)
  }

  /** Returns the operation that an event began, or refused, and forgets it: its outcome is here. */
  take(eventId: number): Asked<any> | undefined {
    const operation = this.#byEvent.get(eventId)
    if (!operation) return undefined
    this.#byEvent.delete(eventId)
    this.release(operation)
    const ending = this.#ending.delete(operation) ? this.#emitted.findIndex(({ ends }) => ends === operation) : -1
    if (ending >= 0) this.#emitted.splice(ending, 1)
    return operation
  }

  /** Returns what the task of `startedEventId` is answered with; `close` comes last, once everything has left (M4). */
  decisions(startedEventId: number, close: Decision | undefined): Decision[] {
    const all = this.#emitted.map(({ decision }) => decision)
    const fitting = fit(all)
    if (fitting < all.length)
      return [
        ...all.slice(0, fitting),
        startTimer({ timerId: `${MORE_TIMER}${startedEventId}`, startToFireTimeout: '0' }),
      ]
    return close ? [...all, close] : all
  }

  /**
   * Compares what was emitted, and `close` if there is one, with what a decision task has recorded; ties operations to the
   * events that began them. Throws Stuck when they differ. Returns changed details, and the events that refuse a command.
   */
  match(
    recorded: readonly HistoryEvent[],
    close: Decision | undefined,
  ): { warnings: string[]; refused: HistoryEvent[] } {
    const emitted = this.#emitted
    this.#emitted = []
    this.throttled = false
    const warnings: string[] = []
    const refused: HistoryEvent[] = []
    let next = 0
    const following = (): Command | undefined =>
      emitted[next] ?? (next === emitted.length && close ? { decision: close } : undefined)
    for (const event of recorded) {
      if (isMoreTimer(attributesOf(event).timerId)) {
        if (isRefusal(event)) refused.push(event)
        this.#emitted = [...emitted.slice(next), ...this.#emitted]
        return { warnings, refused }
      }
      const command = following()
      if (isPatchMarker(event) && !(command && asksFor(command.decision, event))) continue
      if (!command) throw diverges(`the history has ${describeEvent(event)}, the code asks for nothing there`, event)
      next++
      const { decision, operation } = command
      const { divergence, warning } = difference(decision, event)
      if (divergence) throw diverges(divergence, event)
      if (warning) warnings.push(warning)
      if (event.eventType === 'TimerCanceled') this.take(event.timerCanceledEventAttributes.startedEventId)
      if (operation) {
        this.#byEvent.set(event.eventId, operation)
        operation.recorded(event)
      }
      if (isRefusal(event)) refused.push(event)
    }
    const missing = following()
    if (missing)
      throw diverges(`the code asks for ${describe(missing.decision)}, the history has nothing there`, recorded.at(-1))
    return { warnings, refused }
  }

  #emit(operation: Asked<any>): void {
    if (operation.window) {
      this.#open[operation.window].add(operation)
      this.#characters += operation.characters
    }
    this.#emitted.push({ decision: operation.decision(), operation })
  }
}

/** Returns how many of these decisions fit into one answer. */
function fit(decisions: readonly Decision[]): number {
  if (decisions.length <= SURELY_FIT) return decisions.length
  let bytes = 0
  for (const [index, decision] of decisions.entries()) {
    bytes += Buffer.byteLength(JSON.stringify(decision)) + 1
    if (bytes > MOST_BYTES) return index
  }
  return decisions.length
}

function asksFor(decision: Decision, marker: HistoryEvent): boolean {
  return (
    decision.decisionType === 'RecordMarker' &&
    decisionAttributes(decision).markerName === attributesOf(marker).markerName
  )
}

function diverges(how: string, event: HistoryEvent | undefined): Stuck {
  return new Stuck(`divergence: ${how}`, event?.eventId ?? 0)
}

/** A decision that SWF refused; WorkflowExecutionFailed is none, it closes. */
function isRefusal({ eventType }: HistoryEvent): boolean {
  return eventType.endsWith('Failed') && eventType !== 'WorkflowExecutionFailed'
}

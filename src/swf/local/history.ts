// Pages of a history, for GetWorkflowExecutionHistory and PollForDecisionTask.

import { timeOf } from './execution.js'

/** The events from `from` to `to`, inclusive, and where the next page begins. */
export interface HistoryPage {
  readonly from: number
  readonly to: number
  /** The first event of the next page; undefined on the last. */
  readonly next: number | undefined
}

/** Returns the page of the events `first` to `last` that begins with the event `start`. */
export function historyPage(first: number, last: number, size: number, reverse: boolean, start?: number): HistoryPage {
  if (reverse) {
    const to = Math.min(start ?? last, last)
    const from = Math.max(first, to - size + 1)
    return { from, to, next: from > first ? from - 1 : undefined }
  }
  const from = Math.max(start ?? first, first)
  const to = Math.min(last, from + size - 1)
  return { from, to, next: to < last ? to + 1 : undefined }
}

/** Returns the first event that is not older than the event `eventId`; 1 when that is 0. */
export function firstAsOldAs(events: readonly string[], eventId: number): number {
  let first = Math.max(1, eventId)
  const at = timeOf(events[first - 1]!)
  while (first > 1 && timeOf(events[first - 2]!) >= at) first--
  return first
}

/** The texts of events as a JSON list. Put together, not joined: so they are copied once, when the list is sent. */
export function eventList(texts: readonly string[], reverse: boolean): string {
  let list = ''
  for (const text of reverse ? [...texts].reverse() : texts) list += list === '' ? text : `,${text}`
  return `[${list}]`
}

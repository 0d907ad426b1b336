// Payload texts of events and decisions, through a codec: decoded before replay and encoded after it, so that replay stays pure.

import { type Decision, decisionAttributes } from '../../swf/decision.js'
import { HISTORY_EVENTS, type MemberKind } from '../../swf/event-table.js'
import { attributesOf, type HistoryEvent } from '../../swf/history-event.js'
import { PLAIN, type PayloadCodec } from '../../swf/payload.js'

const EVENT_PAYLOADS = new Map(
  Object.entries(HISTORY_EVENTS).map(([type, members]) => [
    type,
    Object.entries<MemberKind>(members).flatMap(([name, { kind }]) => (kind === 'payload' ? [name] : [])),
  ]),
)
const DECISION_PAYLOADS = ['input', 'result', 'details', 'control']

/** Returns events whose payloads are decoded; the same array when the codec changes nothing. */
export async function decodeEvents(
  events: readonly HistoryEvent[],
  codec: PayloadCodec,
): Promise<readonly HistoryEvent[]> {
  if (codec === PLAIN) return events
  return Promise.all(
    events.map(async event => {
      const attributes = attributesOf(event)
      const decoded = await through(attributes, EVENT_PAYLOADS.get(event.eventType)!, text => codec.decode(text))
      if (decoded === attributes) return event
      const [member] = Object.entries(event).find(([, value]) => value === attributes)!
      return { ...event, [member]: decoded } as HistoryEvent
    }),
  )
}

/** Returns decisions whose payloads are encoded; the same array when the codec changes nothing. */
export async function encodeDecisions(decisions: Decision[], codec: PayloadCodec): Promise<Decision[]> {
  if (codec === PLAIN) return decisions
  return Promise.all(
    decisions.map(async decision => {
      const attributes = decisionAttributes(decision)
      const encoded = await through(attributes, DECISION_PAYLOADS, text => codec.encode(text))
      if (encoded === attributes) return decision
      const [member] = Object.entries(decision).find(([, value]) => value === attributes)!
      return { ...decision, [member]: encoded } as Decision
    }),
  )
}

async function through(
  attributes: Record<string, unknown>,
  names: readonly string[],
  change: (text: string) => Promise<string>,
): Promise<Record<string, unknown>> {
  const present = names.filter(name => typeof attributes[name] === 'string')
  if (present.length === 0) return attributes
  const texts = await Promise.all(present.map(name => change(attributes[name] as string)))
  return { ...attributes, ...Object.fromEntries(present.map((name, n) => [name, texts[n]])) }
}

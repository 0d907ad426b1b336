// How much memory a run takes, about: what it takes by itself, what is open in it, and the texts that its code was given.
// `npm run bench -- decider memory` holds these figures against what runs take.

import { attributesOf, type HistoryEvent } from '../../swf/history-event.js'

/** A run in which nothing is open, in bytes. */
export const RUN_BYTES = 4_500
/** An activity, a timer or a child that is open or waits its turn, apart from its input. */
export const OPEN_BYTES = 3_800

const TEXTS = ['input', 'result', 'details']

/** Returns the characters that an event gives to author code, which may keep them. */
export function charactersOf(event: HistoryEvent): number {
  const attributes = attributesOf(event)
  let characters = 0
  for (const name of TEXTS) {
    const text = attributes[name]
    if (typeof text === 'string') characters += text.length
  }
  return characters
}

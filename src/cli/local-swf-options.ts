// What `local-swf` reads from its flags beyond one word: fault rules, quotas, Lambda functions.

import { readFileSync } from 'node:fs'
import { InvalidArgumentError } from 'commander'
import type { Duration } from '../swf/duration.js'
import type { FaultRule, LocalSwfOptions } from '../swf/local/index.js'

/** Reads words that are given several times, or in one text from the environment or the configuration file. */
const words =
  <T>(read: (word: string) => T) =>
  (text: string, before: readonly T[] = []): readonly T[] => [...before, ...text.trim().split(/\s+/).map(read)]

/** Reads `kind[:actions[:rate[:latency]]]`, such as `drop:RespondDecisionTaskCompleted:0.1`; actions by `+`, all by `*`. */
export const faultRules = words((word): FaultRule => {
  const [kind = '', actions = '*', rate, latency, ...rest] = word.split(':')
  if (rest.length > 0) throw new InvalidArgumentError('Write kind:actions:rate:latency, such as latency:*:0.5:200ms.')
  return {
    kind: kind as FaultRule['kind'],
    ...(actions !== '*' && actions !== '' && { action: actions.split('+') }),
    ...(rate && { rate: Number(rate) }),
    ...(latency && { latency: latency as Duration }),
  }
})

/** Reads `name=url`. */
export const lambdas = words((word): readonly [string, string] => {
  const at = word.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Write name=url, such as charge=http://127.0.0.1:9000/charge.')
  return [word.slice(0, at), word.slice(at + 1)]
})

/** Reads `none`, `aws`, or a file with quotas in JSON. */
export function quotas(text: string): NonNullable<LocalSwfOptions['quotas']> {
  if (text === 'none' || text === 'aws') return text
  try {
    return JSON.parse(readFileSync(text, 'utf8')) as Exclude<LocalSwfOptions['quotas'], undefined>
  } catch (error) {
    throw new InvalidArgumentError(`Give none, aws, or a file with quotas in JSON: ${(error as Error).message}.`)
  }
}

// Counts what becomes of calls, whatever carries them. A call that is tried again counts each time.

import type { Metrics } from '../telemetry.js'
import { SwfFault } from './errors.js'
import type { Transport } from './transport.js'

/** Returns a transport whose calls are counted by action and outcome, and timed, polls apart: SWF holds those open. */
export function measuredTransport(
  transport: Transport,
  { swfCalls, swfCallDuration }: Pick<Metrics, 'swfCalls' | 'swfCallDuration'>,
): Transport {
  return async (action, input, options) => {
    const begun = performance.now()
    let outcome = 'ok'
    try {
      return await transport(action, input, options)
    } catch (error) {
      outcome = options.signal?.aborted ? 'aborted' : error instanceof SwfFault ? error.code : 'error'
      throw error
    } finally {
      swfCalls.inc({ action, outcome })
      if (!action.startsWith('PollFor')) swfCallDuration.observe({ action }, (performance.now() - begun) / 1_000)
    }
  }
}

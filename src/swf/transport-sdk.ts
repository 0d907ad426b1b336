// Calls through the AWS SDK: credentials and region from the AWS chain, requests signed.

import { SWFClient, type SWFClientConfig } from '@aws-sdk/client-swf'
import * as sdk from '@aws-sdk/client-swf'
import { SwfFault, swfFault } from './errors.js'
import type { Action } from './client-actions.js'
import type { Transport } from './transport.js'

type Command = new (input: object) => Parameters<SWFClient['send']>[0]

/** Opens two SDK clients: polls have sockets of their own, else open polls would starve responds and heartbeats. */
export function sdkTransport(options: { endpoint?: string; region?: string; maxPolls?: number }): {
  transport: Transport
  close(): void
} {
  const client = (maxSockets: number) => {
    const config: SWFClientConfig = {
      maxAttempts: 1,
      ...(options.region && { region: options.region }),
      ...(options.endpoint && { endpoint: options.endpoint }),
      requestHandler: { httpAgent: { maxSockets, keepAlive: true }, httpsAgent: { maxSockets, keepAlive: true } },
    }
    return new SWFClient(config)
  }
  const polls = client(options.maxPolls ?? 100)
  const calls = client(200)
  return {
    transport: async (action, input, { signal, timeout }) => {
      const command = new (sdk as unknown as Record<string, Command>)[`${action}Command`]!(input)
      const controller = new AbortController()
      const abort = () => controller.abort(signal?.reason)
      const limit = setTimeout(() => controller.abort(new Error(`no answer within ${timeout} ms`)), timeout)
      signal?.addEventListener('abort', abort, { once: true })
      try {
        const { $metadata: _metadata, ...output } = await (action.startsWith('PollFor') ? polls : calls).send(command, {
          abortSignal: controller.signal,
        })
        return output
      } catch (error) {
        throw fromSdk(action, error as Error)
      } finally {
        clearTimeout(limit)
        signal?.removeEventListener('abort', abort)
      }
    },
    close: () => {
      polls.destroy()
      calls.destroy()
    },
  }
}

function fromSdk(action: Action, error: Error): SwfFault {
  const fault = swfFault(action, error.name, error.message, { cause: error })
  if (fault.code !== 'SWF_UNAVAILABLE') return fault
  return new SwfFault('SWF_UNAVAILABLE', error.name, action, `SWF did not answer: ${error.message || error.name}`, {
    cause: error,
  })
}

// Calls through the AWS SDK: credentials and region from the AWS chain, requests signed.

import type { SWFClient, SWFClientConfig } from '@aws-sdk/client-swf'
import { monotonic } from '../clock.js'
import { SwfFault, swfFault } from './errors.js'
import type { SwfClock } from './swf-clock.js'
import type { Action } from './client-actions.js'
import type { Transport } from './transport.js'

type Command = new (input: object) => Parameters<SWFClient['send']>[0]

interface Clients {
  commands: Record<string, Command>
  polls: SWFClient
  calls: SWFClient
}

/**
 * Opens two SDK clients, at the first call: processes that never call Amazon need not load the SDK. Polls have sockets of
 * their own, else open polls would starve responds and heartbeats.
 */
export function sdkTransport(
  options: { endpoint?: string; region?: string; maxPolls?: number },
  clock: SwfClock,
): {
  transport: Transport
  close(): void
} {
  let clients: Promise<Clients> | undefined
  const transport: Transport = async (action, input, { signal, timeout }) => {
    clients ??= openClients(options, clock)
    const { commands, polls, calls } = await clients.catch((error: unknown) => {
      clients = undefined
      throw fromSdk(action, error as Error)
    })
    const command = new commands[`${action}Command`]!(input)
    const controller = new AbortController()
    const abort = () => controller.abort(signal?.reason)
    const limit = setTimeout(() => controller.abort(new Error(`no answer within ${timeout} ms`)), timeout)
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort, { once: true })
    try {
      const client = action.startsWith('PollFor') ? polls : calls
      const { $metadata: _metadata, ...output } = await client.send(command, { abortSignal: controller.signal })
      return output
    } catch (error) {
      throw fromSdk(action, error as Error)
    } finally {
      clearTimeout(limit)
      signal?.removeEventListener('abort', abort)
    }
  }
  const close = () =>
    void clients?.then(
      ({ polls, calls }) => {
        polls.destroy()
        calls.destroy()
      },
      () => {},
    )
  return { transport, close }
}

async function openClients(
  options: { endpoint?: string; region?: string; maxPolls?: number },
  clock: SwfClock,
): Promise<Clients> {
  const sdk = await import('@aws-sdk/client-swf')
  const client = (maxSockets: number) => {
    const config: SWFClientConfig = {
      maxAttempts: 1,
      ...(options.region && { region: options.region }),
      ...(options.endpoint && { endpoint: options.endpoint }),
      requestHandler: { httpAgent: { maxSockets, keepAlive: true }, httpsAgent: { maxSockets, keepAlive: true } },
    }
    const made = new sdk.SWFClient(config)
    made.middlewareStack.add(
      next => async args => {
        const asked = monotonic()
        const result = await next(args)
        clock.heard((result.response as { headers?: { date?: string } }).headers?.date, asked)
        return result
      },
      { step: 'deserialize', name: 'swfClock' },
    )
    return made
  }
  const commands = sdk as unknown as Record<string, Command>
  return { commands, polls: client(options.maxPolls ?? 100), calls: client(200) }
}

function fromSdk(action: Action, error: Error): SwfFault {
  const fault = swfFault(action, error.name, error.message, { cause: error })
  if (fault.code !== 'SWF_UNAVAILABLE') return fault
  if (error.message === 'Region is missing')
    return new SwfFault('VALIDATION', 'RegionMissing', action, 'No AWS region is set: set AWS_REGION', { cause: error })
  return new SwfFault('SWF_UNAVAILABLE', error.name, action, `SWF did not answer: ${error.message || error.name}`, {
    cause: error,
  })
}

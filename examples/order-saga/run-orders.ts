// Runs the orders of a file: sends each, does about it what the file says, and waits for its end.

import { EventEmitter, once, setMaxListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { cancelOrder, orderChanges, readOrder, readTasks, releaseOrder, startOrder, terminateOrder } from './api.js'
import type { Execution } from './api.js'
import { GatewayClient, type Endpoints } from './client.js'
import { Order } from './order.js'
import type { Entry } from './orders-file.js'
import type { Outcome } from './outcome.js'
import { Progress } from './progress.js'

const DEADLINE = 180_000
const STARTS_AT_A_TIME = 8
const LOOK_AGAIN = 1_000
const LOOK_FOR_HOLD = 200

/**
 * Resolves to how the orders ended, in the order of the file, and to the number of updates that came over the subscription.
 * An order that has not ended in three minutes is given back as it stands.
 */
export async function runOrders(
  entries: readonly Entry[],
  endpoints: Endpoints,
  interrupt: AbortSignal,
): Promise<{ outcomes: Outcome[]; updates: number }> {
  const done = new AbortController()
  const signal = AbortSignal.any([interrupt, done.signal, AbortSignal.timeout(DEADLINE)])
  const closings = new EventEmitter()
  // Every order listens to both.
  setMaxListeners(0, signal, closings)
  const client = new GatewayClient(endpoints, signal)
  const progress = new Progress(entries.length)
  let updates = 0
  const watching = (async () => {
    for await (const change of orderChanges(client)) {
      updates++
      progress.saw(change)
      if (change.status !== 'OPEN') closings.emit(closing(change.workflowId))
    }
  })()
  progress.start()
  try {
    const starts: Promise<void>[] = []
    for (const [index, entry] of entries.entries()) {
      const turn = starts[index - STARTS_AT_A_TIME] ?? Promise.resolve()
      starts.push(turn.then(() => startOrder(client, Order.parse(entry))))
    }
    const ends = Promise.all(entries.map((entry, index) => follow(entry, starts[index]!, client, closings)))
    const outcomes = await Promise.race([ends, watching.then(() => ends)])
    return { outcomes, updates }
  } finally {
    progress.stop()
    done.abort()
    await watching
  }
}

/** Does about one order what its file says, waits for its end, and reads what its history holds. */
async function follow(
  entry: Entry,
  started: Promise<void>,
  client: GatewayClient,
  closings: EventEmitter,
): Promise<Outcome> {
  let execution: Execution | undefined
  try {
    await started
    if (entry.act) {
      while (!isHeld(entry, (execution = await readOrder(client, entry.id))))
        await pause(LOOK_FOR_HOLD, undefined, { signal: client.signal })
      if (entry.act === 'release') await releaseOrder(client, entry.id, 'demo')
      if (entry.act === 'cancel') await cancelOrder(client, entry.id)
      if (entry.act === 'terminate') await terminateOrder(client, entry.id, 'placed by mistake')
    }
    while ((execution = await readOrder(client, entry.id))?.status === 'OPEN' || !execution)
      await soundOf(entry.id, closings, client.signal)
    return { entry, execution, tasks: await readTasks(client, entry.id) }
  } catch (error) {
    if (!client.signal.aborted) throw error
    return { entry, execution, tasks: [] }
  }
}

/** Tells whether an order waits where its file holds it, or has ended without ever coming there. */
function isHeld(entry: Entry, execution: Execution | undefined): boolean {
  if (!execution) return false
  const { held } = (execution.state ?? {}) as { held?: string }
  return execution.status !== 'OPEN' || held === entry.holdBefore
}

/** Waits for word that an order has closed; a while at most, for that word is only a hint. */
async function soundOf(id: string, closings: EventEmitter, signal: AbortSignal): Promise<void> {
  const heard = new AbortController()
  const options = { signal: AbortSignal.any([signal, heard.signal]) }
  try {
    await Promise.race([once(closings, closing(id), options), pause(LOOK_AGAIN, undefined, options)])
  } finally {
    heard.abort()
  }
}

const closing = (id: string) => `closed: ${id}`

// The demo: starts the whole stack, sends it a file of orders as any client would, and proves how they ended.

import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { cancelOrder, orderChanges, readOrder, readTasks, releaseOrder, startOrder, terminateOrder } from './api.js'
import type { Execution } from './api.js'
import { keepBooks } from './books.js'
import { GatewayClient } from './client.js'
import { Order } from './order.js'
import { OrdersFileError, readOrders, type Entry } from './orders-file.js'
import type { Outcome } from './outcome.js'
import { Progress } from './progress.js'
import { booksTable, orderTable, verdict } from './report.js'
import { startStack, type Stack } from './stack.js'
import { Store } from './store.js'

const HELP = `Sends orders through the whole stack and proves how they ended.

Usage: npm run demo [-- options]

  --orders FILE   JSON list of orders, as examples/order-saga/orders.json (the default)
  --help          this text

Exit code: 0 when every order ended as the file says and the books balance, 1 when not, 2 when the file has a mistake.`

const ORDERS = fileURLToPath(new URL('../../order-saga/orders.json', import.meta.url))
const DEADLINE = 180_000
const STARTS_AT_A_TIME = 8
const LOOK_AGAIN = 1_000
const LOOK_FOR_HOLD = 200

async function main(): Promise<number> {
  const { values: options } = parseArgs({ options: { orders: { type: 'string' }, help: { type: 'boolean' } } })
  if (options.help) {
    console.log(HELP)
    return 0
  }
  const entries = readOrders(options.orders ?? ORDERS)
  const interrupt = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupt.abort(new Interrupted(name)))

  const directory = await mkdtemp(join(tmpdir(), 'swf-gateway-demo-'))
  let stack: Stack | undefined
  let proven = false
  try {
    const orderStore = join(directory, 'orders.db')
    console.log('Starting local SWF, Redis, gateway, decider and worker …')
    stack = await startStack(directory, orderStore, interrupt.signal)
    console.log(`Ready: ${stack.endpoints.graphql}. Sending ${entries.length} orders.`)
    const { outcomes, updates } = await Promise.race([
      runOrders(entries, stack, interrupt.signal),
      stack.broken,
      aborted(interrupt.signal),
    ])
    const store = new Store(orderStore)
    const completed = outcomes.filter(({ execution }) => execution?.status === 'COMPLETED')
    const books = keepBooks(
      store,
      completed.map(({ entry }) => entry),
    )
    store.close()
    const result = verdict(outcomes, books, updates)
    console.log(['', orderTable(outcomes), '', booksTable(books), '', result.text].join('\n'))
    proven = result.proven
    return proven ? 0 : 1
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error
    console.log(`\n${error.message}: stopping the stack.`)
    proven = true
    return 130
  } finally {
    await stack?.stop()
    if (proven) await rm(directory, { recursive: true, force: true })
    else console.error(`Logs and data are kept in ${directory}`)
  }
}

class Interrupted extends Error {}

/** Sends every order, does about it what the file says, and waits for its end. */
async function runOrders(entries: readonly Entry[], { endpoints }: Stack, interrupt: AbortSignal) {
  const done = new AbortController()
  const signal = AbortSignal.any([interrupt, done.signal, AbortSignal.timeout(DEADLINE)])
  const client = new GatewayClient(endpoints, signal)
  const closings = new EventEmitter().setMaxListeners(0)
  const progress = new Progress(entries.length)
  let updates = 0
  const watching = (async () => {
    for await (const change of orderChanges(client)) {
      updates++
      progress.saw(change)
      if (change.status !== 'OPEN') closings.emit(change.workflowId)
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
    await Promise.race([once(closings, id, options), pause(LOOK_AGAIN, undefined, options)])
  } finally {
    heard.abort()
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error)
    else signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}

main().then(
  code => (process.exitCode = code),
  (error: Error & { code?: string }) => {
    const yours = error instanceof OrdersFileError || error.code?.startsWith('ERR_PARSE_ARGS')
    console.error(yours ? error.message : `The demo failed: ${error.message}`)
    process.exitCode = yours ? 2 : 1
  },
)

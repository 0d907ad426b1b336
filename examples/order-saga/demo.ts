// The demo: starts the whole stack, sends it a file of orders as any client would, and proves how they ended.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { keepBooks } from './books.js'
import { OrdersFileError, readOrders } from './orders-file.js'
import { booksTable, orderTable, verdict } from './report.js'
import { runOrders } from './run-orders.js'
import { startStack, type Stack } from './stack.js'
import { Store } from './store.js'

const HELP = `Sends orders through the whole stack and proves how they ended.

Usage: npm run demo [-- options]

  --orders FILE   JSON list of orders, as examples/order-saga/orders.json (the default)
  --keep          keeps logs and data, and says where
  --help          this text

Exit code: 0 when every order ended as the file says and the books balance, 1 when not, 2 when the file has a mistake.`

const ORDERS = fileURLToPath(new URL('../../order-saga/orders.json', import.meta.url))

async function main(): Promise<number> {
  const interrupt = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => interrupt.abort(new Interrupted(name, 130)))
  // Whoever reads has seen enough, as `head -1` has, or the disk is full: either way the stack is stopped first.
  process.stdout.on('error', (error: NodeJS.ErrnoException) =>
    interrupt.abort(error.code === 'EPIPE' ? new Interrupted('Nobody reads on', 141) : error),
  )
  process.stderr.on('error', () => {})
  const { values: options } = parseArgs({
    options: { orders: { type: 'string' }, keep: { type: 'boolean' }, help: { type: 'boolean' } },
  })
  if (options.help) {
    console.log(HELP)
    return 0
  }
  const entries = readOrders(options.orders ?? ORDERS)

  const directory = await mkdtemp(join(tmpdir(), 'swf-gateway-demo-'))
  let stack: Stack | undefined
  let proven = false
  try {
    const orderStore = join(directory, 'orders.db')
    console.log('Starting local SWF, Redis, gateway, decider and worker …')
    stack = await startStack(directory, orderStore, interrupt.signal)
    console.log(`Ready: ${stack.endpoints.graphql}. Sending ${entries.length} orders.`)
    stack.broken.catch((error: unknown) => interrupt.abort(error))
    const { outcomes, updates } = await Promise.race([
      runOrders(entries, stack.endpoints, interrupt.signal),
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
    return error.exitCode
  } finally {
    await stack?.stop()
    if (proven && !options.keep) await rm(directory, { recursive: true, force: true, maxRetries: 3 })
    else console.error(`Logs and data are kept in ${directory}`)
  }
}

class Interrupted extends Error {
  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message)
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

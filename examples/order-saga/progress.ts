// What is to be seen while the orders run: how many are in which state. A terminal gets one line that repaints itself.

import type { Change } from './api.js'

const REPAINT = 100
const LINE = 1_000
const ORDER = ['running', 'retrying', 'rolling back', 'compensating', 'completed', 'failed', 'canceled', 'terminated']

export class Progress {
  readonly #total: number
  readonly #out: NodeJS.WriteStream
  readonly #states = new Map<string, string>()
  readonly #since = Date.now()
  #timer: NodeJS.Timeout | undefined
  #shown = ''

  constructor(total: number, out: NodeJS.WriteStream = process.stdout) {
    this.#total = total
    this.#out = out
  }

  start(): void {
    this.#timer = setInterval(() => this.#show(), this.#out.isTTY ? REPAINT : LINE)
  }

  /** Takes in what a subscriber heard. */
  saw({ workflowId, status, saga }: Change): void {
    const word = status === 'OPEN' ? (saga?.state ?? 'RUNNING') : status
    this.#states.set(workflowId, word.toLowerCase().replace('_', ' '))
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#show()
    if (this.#out.isTTY) this.#out.write('\n')
  }

  #show(): void {
    const counts = countsOf(this.#states.values(), this.#total)
    const line = `${((Date.now() - this.#since) / 1_000).toFixed(1).padStart(6)} s  ${counts}`
    if (this.#out.isTTY) this.#out.write(`\r\x1b[2K${line.slice(0, this.#out.columns - 1)}`)
    else if (counts !== this.#shown) this.#out.write(`${line}\n`)
    this.#shown = counts
  }
}

/** Returns the counts as a line: `48 orders: 12 running, 2 retrying, 34 completed`. */
export function countsOf(states: Iterable<string>, total: number): string {
  const counts = new Map<string, number>()
  for (const state of states) counts.set(state, (counts.get(state) ?? 0) + 1)
  const known = ORDER.filter(state => counts.has(state))
  const others = [...counts.keys()].filter(state => !ORDER.includes(state))
  return `${total} orders: ${[...known, ...others].map(state => `${counts.get(state)} ${state}`).join(', ') || 'on their way'}`
}

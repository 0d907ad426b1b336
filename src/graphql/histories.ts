// Histories as the gateway reads them.
//
// H1. A closed execution's history never changes: it is kept, as long as there is room.
// H2. Whoever asks for what is being read already gets that reading.
// H3. While SWF throttles, or the gateways' share of its quota is used up, an open execution is shown as it was read last:
//     older, and `asOf` says how old.

import type { SwfClient } from '../swf/client.js'
import { fold, type ExecutionState } from '../swf/execution-state.js'
import { isFault } from '../swf/errors.js'
import { isCloseEvent, type HistoryEvent } from '../swf/history-event.js'
import { readHistory } from '../swf/history.js'
import type { Run } from './history.type.js'

/** A history with what follows from it. */
export interface HistoryReading extends Run {
  state: ExecutionState
  source: 'SWF' | 'CACHE'
  asOf: Date
}

export interface HistoriesOptions {
  swf: SwfClient
  /** Events of closed executions that are kept in memory, at about 1 KB each. @default 50_000 */
  capacity?: number
}

/** How many readings of open executions are kept, and how long each may be. */
const OLDER = 200
const OLDER_EVENTS = 500

export class Histories {
  readonly #swf: SwfClient
  readonly #capacity: number
  readonly #closed = new Map<string, HistoryReading>()
  readonly #reading = new Map<string, Promise<HistoryReading>>()
  /** The last readings of open executions. */
  readonly #older = new Map<string, HistoryReading>()
  #kept = 0

  constructor({ swf, capacity = 50_000 }: HistoriesOptions) {
    this.#swf = swf
    this.#capacity = capacity
  }

  /**
   * Reads a run's history. Rejects with a SwfFault: UNKNOWN_RESOURCE when SWF does not know the run. `onRead` is called first when
   * SWF has to be asked; what it throws is thrown.
   */
  read(domain: string, workflowId: string, runId: string, onRead?: () => void): Promise<HistoryReading> {
    const key = JSON.stringify([domain, workflowId, runId])
    const kept = this.#closed.get(key)
    if (kept) {
      this.#keep(key, kept)
      return Promise.resolve(kept)
    }
    let reading = this.#reading.get(key)
    if (!reading) {
      onRead?.()
      reading = this.#read(key, domain, workflowId, runId).finally(() => this.#reading.delete(key))
      this.#reading.set(key, reading)
    }
    return reading
  }

  async #read(key: string, domain: string, workflowId: string, runId: string): Promise<HistoryReading> {
    const asOf = new Date()
    let events: HistoryEvent[]
    try {
      events = await readHistory(this.#swf, domain, { workflowId, runId })
    } catch (error) {
      const older = this.#older.get(key)
      if (older && isFault(error, 'THROTTLED')) return older
      throw error
    }
    const reading: HistoryReading = { domain, workflowId, runId, events, state: fold(events), source: 'SWF', asOf }
    const last = events.at(-1)
    this.#older.delete(key)
    if (last && isCloseEvent(last)) this.#keep(key, { ...reading, source: 'CACHE' })
    else if (events.length <= OLDER_EVENTS) {
      this.#older.set(key, { ...reading, source: 'CACHE' })
      if (this.#older.size > OLDER) this.#older.delete(this.#older.keys().next().value!)
    }
    return reading
  }

  /** Makes a reading the last that is thrown away, and throws away those that there is no room for. */
  #keep(key: string, reading: HistoryReading): void {
    if (this.#closed.delete(key)) this.#kept -= reading.events.length
    if (reading.events.length > this.#capacity) return
    this.#closed.set(key, reading)
    this.#kept += reading.events.length
    for (const [oldest, { events }] of this.#closed) {
      if (this.#kept <= this.#capacity) break
      this.#closed.delete(oldest)
      this.#kept -= events.length
    }
  }
}

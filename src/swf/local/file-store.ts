// The store on disk: SQLite in a thread of its own, fed in groups.
//
// FS1. What happens in one turn of the event loop is one group, and a group is one synced transaction. While it is being
//      written, the next one forms.
// FS2. A reply waits for the group that was current when it was given, and so does a read: what one caller has been told,
//      no crash takes back.
// FS3. Replies leave in the order in which they were given.
// FS4. When a write or a sync fails, nothing leaves any more.

import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { closedExecution } from './description.js'
import type { DomainRecord, RegisteredType } from './domain.js'
import type { ActivityTask, Execution } from './execution.js'
import { ClosedInFile } from './closed-in-file.js'
import { restore } from './restore.js'
import type { Engine } from './engine.js'
import type { Store } from './store.js'
import { findDamage } from './store-check.js'
import { StoreError, storeErrorCode } from './store-error.js'
import type { StoreReply, StoreRequest, StoreWorkerData, Write } from './store-worker.js'
import { storeWorker } from './store-worker.js'

class Group {
  readonly writes: Write[] = []
  /** The new events of each execution: the first id, and their texts. */
  readonly events = new Map<number, { readonly first: number; readonly lines: string[] }>()
  readonly heartbeats = new Map<number, Write>()
  readonly replies: (() => void)[] = []
}

/** How long the thread may take to end, in milliseconds. */
const END_WITHIN = 5_000
const LAST_ID = 32_767
/** The key of an event, and of what is kept by event: `execution << 15 | eventId`, for numbers of more than 32 bits. */
const key = (serial: number, eventId: number) => serial * (LAST_ID + 1) + eventId

export class FileStore implements Store {
  readonly closedExecutions = new ClosedInFile((sql, ...parameters) => this.read(sql, parameters))
  #worker: Worker
  #file: string
  #group = new Group()
  #groupWaits = false
  /** Groups that are being written, the oldest first. */
  #writing: Group[] = []
  #answers = new Map<number, (reply: StoreReply) => void>()
  #lastId = 0
  #failed: StoreError | undefined
  #opening = true
  #closed = false
  /** Executions that have heartbeats in the store. */
  #heartbeats = new Set<number>()

  private constructor(
    file: string,
    private readonly onError: (error: StoreError) => void,
    libsql: string,
  ) {
    this.#file = file
    const workerData: StoreWorkerData = { libsql, file }
    // Flags of this process, such as --input-type, are not for that text.
    this.#worker = new Worker(`(${storeWorker.toString()})(require)`, { eval: true, execArgv: [], workerData })
    this.#worker.on('message', (reply: StoreReply) => this.#receive(reply))
    this.#worker.on('error', error => this.#fail('STORE_FAILED', String(error)))
    this.#worker.on('exit', () => this.#fail('STORE_FAILED', 'its thread has ended'))
  }

  /**
   * Opens the store in a directory, which is made if it is not there. Rejects with a StoreError.
   * `libsql` is where the package libsql is.
   */
  static async open(
    directory: string,
    onError: (error: StoreError) => void,
    libsql = createRequire(import.meta.url).resolve('libsql'),
  ): Promise<FileStore> {
    const file = join(directory, 'swf.db')
    const damage = await mkdir(directory, { recursive: true })
      .then(() => findDamage(file))
      .catch((error: Error) => {
        throw new StoreError('STORE_FAILED', file, error.message)
      })
    if (damage) throw new StoreError('STORE_DAMAGED', file, damage)
    const store = new FileStore(file, onError, libsql)
    try {
      await new Promise<void>((resolve, reject) => {
        store.#answers.set(0, ({ error }) => {
          if (error) reject(store.#fail(error.code, error.message))
          else resolve()
        })
      })
      return store
    } catch (error) {
      await store.#end()
      throw error
    }
  }

  /** Gives the engine back what it had. Rejects with a StoreError. */
  async restore(engine: Engine): Promise<void> {
    try {
      await restore(engine, (sql, ...parameters) => this.read(sql, parameters), this.#heartbeats)
      this.#opening = false
    } catch (error) {
      const failure = error instanceof StoreError ? error : this.#fail('STORE_DAMAGED', (error as Error).message)
      await this.#end()
      throw failure
    }
  }

  putDomain(record: DomainRecord): void {
    this.#write('putDomain', record.name, JSON.stringify(record))
  }

  putType(domain: string, type: RegisteredType): void {
    this.#write('putType', domain, type.kind, type.name, type.version, JSON.stringify(type))
  }

  deleteType(domain: string, { kind, name, version }: RegisteredType): void {
    this.#write('deleteType', domain, kind, name, version)
  }

  started({ serial, domain, workflowId, runId }: Execution): void {
    this.#write('open', serial, domain, workflowId, runId)
  }

  event(x: Execution, text: string): void {
    const chunk = this.#group.events.get(x.serial)
    if (chunk) chunk.lines.push(text)
    else this.#group.events.set(x.serial, { first: x.lastEventId, lines: [text] })
    this.#schedule()
  }

  imported(x: Execution, texts: readonly string[]): void {
    this.started(x)
    this.#group.events.set(x.serial, { first: 1, lines: [...texts] })
    this.#schedule()
  }

  closed(x: Execution, keep: boolean): void {
    const { serial } = x
    this.#write('closeOpen', serial)
    if (this.#heartbeats.delete(serial)) {
      for (const at of this.#group.heartbeats.keys()) {
        if (Math.floor(at / (LAST_ID + 1)) === serial) this.#group.heartbeats.delete(at)
      }
      this.#write('deleteHeartbeats', key(serial, 0), key(serial, LAST_ID))
    }
    if (!keep) {
      this.#group.events.delete(serial)
      this.#write('deleteEvents', key(serial, 0), key(serial, LAST_ID))
      return
    }
    const closed = closedExecution(x)
    const { workflowType, startedAt, closedAt, closeStatus, tagList, lastEventId, description } = closed
    const tags = tagList ? JSON.stringify(tagList) : null
    const { name, version } = workflowType
    const ids = [serial, x.domain, x.workflowId, x.runId] as const
    this.#write('closed', ...ids, name, version, startedAt, closedAt, closeStatus, tags, lastEventId, description)
  }

  heartbeat({ execution: { serial }, scheduledEventId, heartbeatAt, heartbeatDetails }: ActivityTask): void {
    const at = key(serial, scheduledEventId)
    // As JSON, for a text of SQLite ends at U+0000 and has no half characters.
    const details = heartbeatDetails === undefined ? null : JSON.stringify(heartbeatDetails)
    this.#heartbeats.add(serial)
    this.#group.heartbeats.set(at, ['heartbeat', at, heartbeatAt, details])
    this.#schedule()
  }

  forget(domain: string, closedBefore: number): void {
    this.#post({ id: ++this.#lastId, kind: 'forget', domain, closedBefore })
  }

  afterCommit(reply: () => void): void {
    if (this.#failed) return
    if (this.#groupWaits) this.#group.replies.push(reply)
    else if (this.#writing.length > 0) this.#writing.at(-1)!.replies.push(reply)
    else reply()
  }

  async read<T>(sql: string, parameters: readonly unknown[]): Promise<T[]> {
    if (this.#groupWaits) this.#send()
    const { rows, error } = await this.#ask({ id: ++this.#lastId, kind: 'read', sql, parameters })
    if (error) throw this.#fail(error.code, error.message)
    return rows as T[]
  }

  /** Writes what there is to write. Rejects with a StoreError when that fails now; one that `onError` was told is over. */
  async close(): Promise<void> {
    const told = this.#failed
    if (this.#groupWaits) this.#send()
    this.#closed = true
    if (!this.#failed) {
      const { error } = await this.#ask({ id: ++this.#lastId, kind: 'close' })
      if (error) this.#fail(error.code, error.message)
    }
    const failed = this.#failed
    await this.#end()
    if (failed !== told) throw failed!
  }

  /** Lets the thread end by itself: terminated in the middle of a call, the database's code takes the process down with it. */
  async #end(): Promise<void> {
    this.#closed = true
    if (this.#worker.threadId === -1) return
    const ended = once(this.#worker, 'exit')
    this.#worker.postMessage({ id: 0, kind: 'end' } satisfies StoreRequest)
    await Promise.race([ended, new Promise(resolve => setTimeout(resolve, END_WITHIN).unref())])
    await this.#worker.terminate()
  }

  #write(...write: [name: string, ...parameters: (string | number | null)[]]): void {
    this.#group.writes.push(write)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#groupWaits) return
    this.#groupWaits = true
    if (this.#writing.length === 0) setImmediate(() => this.#sendNext())
  }

  #sendNext(): void {
    if (this.#groupWaits && this.#writing.length === 0) this.#send()
  }

  #send(): void {
    const group = this.#group
    this.#group = new Group()
    this.#groupWaits = false
    const writes = [...group.writes, ...group.heartbeats.values()]
    for (const [serial, { first, lines }] of group.events) writes.push(['events', key(serial, first), lines.join('\n')])
    this.#writing.push(group)
    const id = ++this.#lastId
    this.#answers.set(id, ({ error }) => {
      if (error) {
        this.#fail(error.code, error.message)
        return
      }
      this.#writing.shift()
      for (const reply of group.replies) reply()
      this.#sendNext()
    })
    this.#post({ id, kind: 'write', writes })
  }

  #ask(request: StoreRequest): Promise<StoreReply> {
    return new Promise(resolve => {
      this.#answers.set(request.id, resolve)
      this.#post(request)
    })
  }

  #post(request: StoreRequest): void {
    if (!this.#failed) this.#worker.postMessage(request)
  }

  #receive(reply: StoreReply): void {
    const answer = this.#answers.get(reply.id)
    this.#answers.delete(reply.id)
    if (answer) answer(reply)
    else if (reply.error) this.#fail(reply.error.code, reply.error.message)
  }

  #fail(code: string, message: string): StoreError {
    if (this.#failed) return this.#failed
    this.#failed = new StoreError(storeErrorCode(code, this.#opening), this.#file, message)
    for (const [id, answer] of this.#answers) answer({ id, error: { code, message } })
    this.#answers.clear()
    if (!this.#opening && !this.#closed) this.onError(this.#failed)
    return this.#failed
  }
}

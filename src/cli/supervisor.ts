// Keeps child processes alive: one that dies is started again, after a delay that grows while it keeps dying.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { monotonic } from '../clock.js'
import { SECOND } from '../swf/duration.js'

/** A running child. `exited` resolves, with how it ended, when it is gone. */
export interface Child {
  readonly pid: number
  readonly exited: Promise<string>
  /** Ends the child, in the time given (ms); then kills it. */
  stop(within: number): Promise<void>
}

/** Starts a child; resolves when it is ready, rejects when it ended before that. It may be ended by `stopping`. */
export type Starter = (stopping: AbortSignal) => Promise<Child>

const FIRST_DELAY = 200
const LONGEST_DELAY = 10 * SECOND
/** A child that lived this long (ms) is taken to have been well: the next delay is short again. */
const WELL = 20 * SECOND

/** One child, started again whenever it dies. */
export class Supervised {
  #child: Child | undefined
  #starting: Promise<Child> | undefined
  readonly #stopping = new AbortController()
  #pause: (() => void) | undefined
  #life: Promise<void> | undefined

  constructor(
    readonly name: string,
    private readonly starter: Starter,
    private readonly events: { died(name: string, how: string, delay: number): void; started(name: string): void },
  ) {}

  /** Process id of the child that runs now; undefined between two. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Starts the child; rejects when it does not become ready. */
  async start(): Promise<void> {
    this.#child = await (this.#starting = this.starter(this.#stopping.signal))
    if (this.#stopping.signal.aborted) return
    this.#life = this.#keep(this.#child)
  }

  async stop(within: number): Promise<void> {
    this.#stopping.abort()
    this.#pause?.()
    // A child that is only being started: it is stopped as soon as it is there.
    const starting = await this.#starting?.catch(() => undefined)
    if (starting && !this.#life) await starting.stop(within)
    await this.#child?.stop(within)
    await this.#life
  }

  async #keep(first: Child): Promise<void> {
    let delay = FIRST_DELAY
    let born = monotonic()
    let how = await first.exited
    const { signal } = this.#stopping
    while (!signal.aborted) {
      this.#child = undefined
      if (monotonic() - born > WELL) delay = FIRST_DELAY
      this.events.died(this.name, how, delay)
      await new Promise<void>(resolve => {
        this.#pause = resolve
        setTimeout(resolve, delay)
      })
      delay = Math.min(delay * 2, LONGEST_DELAY)
      if (signal.aborted) return
      born = monotonic()
      try {
        const child = await this.starter(signal)
        this.#child = child
        if (signal.aborted) return await child.stop(SECOND)
        this.events.started(this.name)
        how = await child.exited
      } catch (error) {
        how = (error as Error).message
      }
    }
  }
}

/**
 * Starts a Node process of this CLI in a process group of its own, so that Ctrl-C reaches only the supervisor; it stops by
 * itself when the supervisor is gone. Ready when it says so over IPC. It writes to `logFile` itself: a pipe to a supervisor
 * that was killed, or sleeps, would fill up and block it.
 */
export function nodeChild(args: readonly string[], env: NodeJS.ProcessEnv, logFile: string): Starter {
  return async stopping => {
    stopping.throwIfAborted()
    const log = openSync(logFile, 'a')
    const { size: begin } = fstatSync(log)
    const child = spawn(process.execPath, ['--enable-source-maps', ...args], {
      env,
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
    })
    closeSync(log)
    const exited = once(child, 'exit').then(([code, signal]: (number | string | null)[]) =>
      signal ? `killed by ${signal}` : `exit code ${code}`,
    )
    const stop = () => child.kill('SIGTERM')
    stopping.addEventListener('abort', stop)
    const ready = new Promise<void>(resolve => {
      child.on('message', message => {
        if ((message as { type?: string }).type === 'ready') resolve()
      })
    })
    const ended = exited.then(how => {
      throw new Error(`${how}: ${lastWords(logFile, begin)}`)
    })
    await Promise.race([ready, ended]).finally(() => stopping.removeEventListener('abort', stop))
    return {
      pid: child.pid!,
      exited,
      stop: async within => {
        child.kill('SIGTERM')
        const kill = setTimeout(() => child.kill('SIGKILL'), within)
        await exited
        clearTimeout(kill)
      },
    }
  }
}

/** The end of what was written to a log from `begin` on, in one line. */
function lastWords(logFile: string, begin: number): string {
  const words = readFileSync(logFile).subarray(begin).toString().trim().split('\n').slice(-3).join(' | ')
  return words.slice(-2_000) || 'it said nothing'
}

// Lines on their way to a file descriptor.
//
// L1. Nobody waits for a line and nothing fails by one: what cannot be written now is lost, and counted.
// L2. Lines that come together are written with one call of the system, in the background: a slow disk holds up nothing.
// L3. A pipe is written to without blocking (`openStdout`): a call that blocks in the background holds up the end of a process.

import { fstatSync, write, writeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { monotonic } from './clock.js'

/** How long a line waits for others, and for room in a full pipe, in milliseconds. */
const TOGETHER = 50
/** How many characters may wait to be written. */
const ARREARS = 10 * 1_024 * 1_024
/** How long the end of a process waits for a reader, in milliseconds. */
const LAST = 500

export class LineWriter {
  /** Lines that were lost. */
  lost = 0
  #lines = ''
  /** What is being written, and from where on. */
  #rest: Buffer | undefined
  /** A call of the system is under way; when not, a full pipe is waited for. */
  #calling = false
  /** The last line was written in part. */
  #torn = false
  #timer: NodeJS.Timeout | undefined
  #written: (() => void)[] = []

  constructor(private readonly fd: number) {}

  /** Takes a line, with its end. */
  write(line: string): void {
    if (this.#lines.length + line.length > ARREARS) this.lost++
    else this.#lines += line
    if (!this.#rest) this.#later()
  }

  /** Resolves when all lines are written or lost; at the latest after `within` milliseconds. */
  async flush(within: number): Promise<void> {
    if (!this.#rest && !this.#lines) return
    const written = new Promise<void>(resolve => this.#written.push(resolve))
    if (!this.#calling) this.#next()
    await Promise.race([written, delay(within, undefined, { ref: false })])
  }

  /** Writes what is left before the process ends; a reader that does not read is given half a second. */
  finish(): void {
    // A call that is under way cannot be waited for here.
    const begun = this.#calling ? undefined : this.#rest
    if (begun) this.#torn = false
    let rest = Buffer.concat([...(begun ? [begun] : []), this.#take()])
    for (const until = monotonic() + LAST; rest.length > 0 && monotonic() < until;) {
      try {
        rest = rest.subarray(writeSync(this.fd, rest))
      } catch (error) {
        if (!isFull(error as NodeJS.ErrnoException)) return
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
      }
    }
  }

  #later(): void {
    this.#timer ??= setTimeout(() => this.#next(), TOGETHER).unref()
  }

  #next(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (!this.#rest) {
      const lines = this.#take()
      if (lines.length === 0) {
        for (const resolve of this.#written.splice(0)) resolve()
        return
      }
      this.#rest = lines
    }
    this.#calling = true
    write(this.fd, this.#rest, (error, bytes) => this.#called(error, bytes))
  }

  #called(error: NodeJS.ErrnoException | null, bytes: number): void {
    this.#calling = false
    const rest = this.#rest!
    if (!error && bytes > 0) {
      this.#rest = bytes < rest.length ? rest.subarray(bytes) : undefined
      this.#torn = rest[bytes - 1] !== END
      return this.#next()
    }
    if (!error || isFull(error)) return this.#later()
    this.lost += count(rest)
    this.#rest = undefined
    this.#next()
  }

  /** Takes the lines that wait, behind the end of one that was lost in its middle. */
  #take(): Buffer {
    const lines = this.#lines
    this.#lines = ''
    return Buffer.from(this.#torn && lines ? `\n${lines}` : lines)
  }
}

/** Opens the standard output of this process; what is left when it ends is written then. */
export function openStdout(): LineWriter {
  // Node opens a pipe as one that does not block, once it is asked for it.
  if (!isFile(1)) void process.stdout
  const writer = new LineWriter(1)
  process.on('exit', () => writer.finish())
  return writer
}

const END = 10

function isFull({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EAGAIN' || code === 'EBUSY'
}

function isFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile()
  } catch {
    return false
  }
}

function count(lines: Buffer): number {
  let n = 0
  for (const byte of lines) if (byte === END) n++
  return n
}

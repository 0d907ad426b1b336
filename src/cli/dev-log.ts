// What the processes of `dev` log as errors is shown in its terminal too: whoever writes a workflow looks there.

import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { basename } from 'node:path'

const LOOK = 500
const ERROR = 50

/** A file, up to where it was read, and the line that had not ended there. */
interface Followed {
  readonly path: string
  offset: number
  rest: string
}

/** Follows log files, from where they end now. */
export class LogWatch {
  #timer: NodeJS.Timeout | undefined
  #files: Followed[]

  constructor(
    paths: readonly string[],
    private readonly show: (line: string) => void,
  ) {
    this.#files = paths.map(path => ({ path, offset: sizeOf(path), rest: '' }))
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), LOOK).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.look()
  }

  /** Shows the errors that were logged since the last look. */
  look(): void {
    for (const file of this.#files) {
      let lines: string[]
      try {
        lines = linesSince(file)
      } catch {
        // It cannot be read now; the next look may.
        continue
      }
      for (const line of lines) {
        const text = errorOf(line)
        if (text) this.show(`${basename(file.path, '.log')}: ${text}`)
      }
    }
  }
}

/** Returns the lines that a file has got since it was last asked for them. */
function linesSince(file: Followed): string[] {
  const size = sizeOf(file.path)
  if (size < file.offset) Object.assign(file, { offset: 0, rest: '' })
  if (size === file.offset) return []
  const lines = (file.rest + read(file.path, file.offset, size)).split('\n')
  file.offset = size
  file.rest = lines.pop()!
  return lines
}

/** Returns what a line of a log says, if it is an error. */
function errorOf(line: string): string | undefined {
  let entry: Record<string, unknown>
  try {
    entry = JSON.parse(line) as Record<string, unknown>
  } catch {
    return undefined
  }
  if (Number(entry.level) < ERROR) return undefined
  const { message, workflowId, reason, location, err, text } = entry
  const what = [text, reason, typeof err === 'object' ? (err as { message?: unknown } | null)?.message : err].filter(
    Boolean,
  )
  return [
    workflowId ? `${String(workflowId)}: ` : '',
    String(message),
    what.length > 0 ? `: ${what.join(': ')}` : '',
    location ? ` at ${String(location)}` : '',
  ].join('')
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

function read(path: string, from: number, to: number): string {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(to - from)
    return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, from))
  } finally {
    closeSync(file)
  }
}

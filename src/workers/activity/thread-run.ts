// Runs one handler in a thread: what the pool of threads calls. The other end is thread-handler.ts.
//
// W1. Nothing but texts and plain data crosses: results are JSON, errors are described.
// W2. A handler may hold its thread and never wait: whatever it calls of its job sends what is to be sent, and obeys what
//     has come in. What comes in otherwise is obeyed when it waits.
// W3. Heartbeats are gathered here: a loop must not flood the other thread. The last is sent in any case.

import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads'
import { pino } from 'pino'
import { captureConsole } from '../../console.js'
import type { Duration } from '../../swf/duration.js'
import type { Failure } from '../../swf/failure.js'
import { encodePayload } from '../../swf/payload.js'
import { ActivityAborted, OpenActivity, type AbortCode, type ActivityContext } from '../definitions.js'
import { describeThrown } from '../../swf/thrown.js'
import { stackOf } from '../thrown.js'

/** Heartbeats are sent no more often than that, in milliseconds. */
const GAP = 50
/** What has come in is looked for no more often than that while the handler does not wait, in milliseconds. */
const LOOK = 5

/** One run of a handler, as it is handed to a thread. */
export interface ThreadTask {
  /** URL of the module, and the name of its export. */
  module: string
  name: string
  input: unknown
  job: Omit<ActivityContext, 'heartbeat' | 'signal' | 'shuttingDown' | 'log' | 'leaveOpen'>
  /** Of the open task, should the handler leave it open. */
  token: string
  logLevel: string
  /** Whether what is written to the console goes to the log. */
  console: boolean
  port: MessagePort
}

/** What is told to the thread. */
export type ToThread = { abort: AbortCode } | { shuttingDown: true }

/** What the thread tells: details of a heartbeat as their text, a line of the log. */
export type FromThread = { beat: string | undefined } | { log: string }

/** How a run in a thread ended. */
export type ThreadEnd =
  | { value: string | undefined }
  | { open: { for?: Duration } }
  /** It threw the reason of its signal. */
  | { stopped: true }
  | { failure: Failure; stack?: string }

/** Runs a handler; never rejects. */
export async function runInThread({
  module,
  name,
  input,
  job,
  token,
  logLevel,
  console,
  port,
}: ThreadTask): Promise<ThreadEnd> {
  const abort = new AbortController()
  const shuttingDown = new AbortController()
  const tell = (message: FromThread) => port.postMessage(message)
  const obey = (message: ToThread) => {
    if ('abort' in message) abort.abort(new ActivityAborted(message.abort))
    else shuttingDown.abort()
  }
  let looked = 0
  const look = (now: number) => {
    if (now - looked < LOOK) return
    looked = now
    for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) obey(next.message as ToThread)
  }
  port.on('message', obey)
  look(performance.now())

  let beat: { text: string | undefined } | undefined
  let sent = -Infinity
  let timer: NodeJS.Timeout | undefined
  const send = () => {
    clearTimeout(timer)
    timer = undefined
    sent = performance.now()
    if (beat) tell({ beat: beat.text })
    beat = undefined
  }
  const line = { write: (text: string) => tell({ log: text }) }
  const log = pino({ level: logLevel, base: null, timestamp: false, messageKey: 'message' }, line)
  if (console) captureConsole(log)
  let given: { for?: Duration } = {}
  const context: ActivityContext = {
    ...job,
    log,
    heartbeat: details => {
      try {
        const text = JSON.stringify(details)
        beat = { text: text ?? beat?.text }
      } catch (error) {
        beat ??= { text: undefined }
        log.warn({ err: (error as Error).message }, 'heartbeat details left out')
      }
      const now = performance.now()
      look(now)
      if (now - sent >= GAP) send()
      else timer ??= setTimeout(send, GAP - (now - sent))
    },
    get signal() {
      look(performance.now())
      return abort.signal
    },
    get shuttingDown() {
      look(performance.now())
      return shuttingDown.signal
    },
    leaveOpen: (options = {}) => {
      given = options
      return new OpenActivity(token, undefined)
    },
  }
  try {
    abort.signal.throwIfAborted()
    const handler = ((await import(module)) as Record<string, unknown>)[name]
    if (typeof handler !== 'function') throw new TypeError(`${module} exports no function ${name}`)
    const value: unknown = await handler(input, context)
    return OpenActivity.is(value) ? { open: given } : { value: encodePayload(value) }
  } catch (error) {
    if (abort.signal.aborted && error === abort.signal.reason) return { stopped: true }
    const stack = stackOf(error)
    return { failure: describeThrown(error), ...(stack && { stack }) }
  } finally {
    send()
    port.close()
  }
}

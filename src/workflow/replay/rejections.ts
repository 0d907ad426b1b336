// Rejections that nobody handles: a promise that an author's code made of an operation, and let go. They belong to a run, harm
// neither it nor the process, and are told to whoever replays it.
//
// J1. Node tells of such rejections when the macrotask ends that they came up in. A burst has its macrotasks to itself, so they
//     are those of the run that was at work in it. All others go on as before.

import type { RunContext } from './current.js'

let settled: RunContext | undefined
let installed = false

/** The macrotask that is about to end was this run's; undefined: a new one begins. */
export function attributeRejections(run: RunContext | undefined): void {
  settled = run
}

/** Takes the rejections of runs out of the process' events, once. */
export function installRejections(): void {
  if (installed) return
  installed = true
  const { emit } = process
  process.emit = function (this: NodeJS.Process, event: string, ...args: unknown[]): boolean {
    if (event === 'unhandledRejection' && settled) {
      settled.unhandled(args[0])
      return true
    }
    return Reflect.apply(emit, this, [event, ...args]) as boolean
  } as typeof process.emit
}

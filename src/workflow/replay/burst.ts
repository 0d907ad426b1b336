// Bursts: author code runs in bursts of steps, and after each step until all its promises have settled.
//
// B1. A burst starts in a macrotask of its own and enters a microtask; a step is followed by a tick that queues a microtask.
//     A tick queued from a microtask runs only when the microtask queue is empty, at any depth of promise chains: settled.
// B2. One burst at a time in a process, first come first served, with a budget of 10 ms: then the event loop gets its turn,
//     and the burst goes on behind the others that wait.
// B3. Nothing but the burst's own microtasks runs in its macrotasks: a burst's promise is settled in a macrotask of its own, in
//     which no run is current.

import { enter, leave, type RunContext } from './current.js'
import { attributeRejections } from './rejections.js'

const BUDGET = 10
// Originals: the guard patches the globals that author code sees.
const { nextTick } = process
const immediate = setImmediate
const clock = performance.now.bind(performance)

interface Burst {
  run: RunContext
  steps: Generator<void, unknown>
  resolve: (value: never) => void
  reject: (reason: unknown) => void
}

/** What follows it is a microtask, which costs less than one by `queueMicrotask`. */
const microtask = Promise.resolve()

const waiting: Burst[] = []
let busy = false

/** Runs the steps of a generator; each `yield` waits until the author code that it woke has settled. */
export function runBurst<T>(run: RunContext, steps: Generator<void, T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    waiting.push({ run, steps, resolve, reject })
    if (busy) return
    busy = true
    immediate(next)
  })
}

function next(): void {
  attributeRejections(undefined)
  const burst = waiting.shift()
  if (!burst) {
    busy = false
    return
  }
  const until = clock() + BUDGET
  queueMicrotask(() => step(burst, until))
}

function step(burst: Burst, until: number): void {
  enter(burst.run)
  let result: IteratorResult<void, unknown>
  try {
    result = burst.steps.next()
  } catch (error) {
    return end(burst, () => burst.reject(error))
  }
  if (result.done) return end(burst, () => burst.resolve(result.value as never))
  nextTick(
    () =>
      void microtask.then(() => {
        if (clock() < until) return step(burst, until)
        leave()
        attributeRejections(burst.run)
        waiting.push(burst)
        immediate(next)
      }),
  )
}

function end({ run }: Burst, settle: () => void): void {
  leave()
  attributeRejections(run)
  immediate(() => {
    attributeRejections(undefined)
    settle()
    immediate(next)
  })
}

// What handlers do in the rows of the fault table: what their input says, with a line in the ledger for each step.

import { appendFileSync } from 'node:fs'

/** Returns a handler that writes to the ledger. */
export function handlerOf(ledger) {
  const note = (what, { idempotencyKey: key, fencingToken: token, attempt, deadline }) => {
    const line = { what, key, token, attempt, pid: process.pid, at: Date.now(), deadline: deadline?.getTime() }
    appendFileSync(ledger, `${JSON.stringify(line)}\n`)
  }
  return async (input, job) => {
    const { ms = 0, then = ms, block = 0, die = 0, beats = 0 } = input ?? {}
    const first = job.fencingToken.endsWith('.0') && job.attempt === 1
    note('begin', job)
    try {
      job.heartbeat({ pid: process.pid })
      if (job.attempt === 1 && Number(job.fencingToken.split('.')[1]) < die) process.kill(process.pid, 'SIGKILL')
      if (first && block > 0) for (const end = Date.now() + block; Date.now() < end;);
      for (let sent = 0; sent < beats;) {
        for (const until = Math.min(beats, sent + 1_000); sent < until;) job.heartbeat({ line: ++sent })
        await new Promise(resolve => setTimeout(resolve, 5))
      }
      await new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, first ? ms : then)
        job.signal.addEventListener('abort', () => {
          clearTimeout(timer)
          reject(job.signal.reason)
        })
      })
      note('apply', job)
      return { key: job.idempotencyKey, token: job.fencingToken, pid: process.pid, last: job.lastHeartbeat?.pid }
    } finally {
      note('end', job)
    }
  }
}

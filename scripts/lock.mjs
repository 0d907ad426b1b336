// One set-up at a time in a clone.
//
// L1. A lock names the process that holds it, and is touched every second: it is dead when that process is gone, or
//     when it was not touched for STALE (its process id may since belong to somebody else).
// L2. Only the holder of the broom may sweep a dead lock away, and looks at it again before: two who find the same dead
//     lock cannot both take it.

import { linkSync, mkdirSync, readFileSync, rmSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

const STALE = 30_000
const TOUCH = 1_000
const AGAIN = 100

/** Runs `work` while holding the lock `file`; calls `waiting` once when another process holds it. */
export async function withLock(file, work, waiting = () => {}) {
  mkdirSync(dirname(file), { recursive: true })
  let told = false
  while (!take(file)) {
    const holder = dead(file)
    if (holder !== undefined) {
      sweep(file, holder)
      continue
    }
    if (!told) waiting(holderOf(file))
    told = true
    await new Promise(again => setTimeout(again, AGAIN))
  }
  const release = () => rmSync(file, { force: true })
  const touch = setInterval(() => {
    const now = new Date()
    try {
      utimesSync(file, now, now)
    } catch {
      // taken away by hand
    }
  }, TOUCH).unref()
  process.once('exit', release)
  try {
    return await work()
  } finally {
    clearInterval(touch)
    process.off('exit', release)
    release()
  }
}

/** Makes a file that names us, whole or not at all. */
function take(file) {
  const mine = `${file}.${process.pid}`
  writeFileSync(mine, `${process.pid}\n`)
  try {
    linkSync(mine, file)
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    return false
  } finally {
    unlinkSync(mine)
  }
}

/** The holder of a dead lock; undefined when the lock is alive or gone. */
function dead(file) {
  const holder = holderOf(file)
  const touched = statSync(file, { throwIfNoEntry: false })?.mtimeMs
  if (holder === undefined || touched === undefined) return undefined
  return !isAlive(holder) || Date.now() - touched > STALE ? holder : undefined
}

function sweep(file, holder) {
  const broom = `${file}.broom`
  if (!take(broom)) {
    const left = statSync(broom, { throwIfNoEntry: false })?.mtimeMs
    if (left !== undefined && Date.now() - left > STALE) rmSync(broom, { force: true })
    return
  }
  if (dead(file) === holder) rmSync(file, { force: true })
  rmSync(broom, { force: true })
}

function holderOf(file) {
  try {
    return Number(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

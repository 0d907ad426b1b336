// The whole stack for the demo: `swf-gateway dev` as a child process, on free ports, in a directory and a domain of its own.

import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Endpoints } from './client.js'

const CLI = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url))
const APP = fileURLToPath(new URL('./app.js', import.meta.url))
const START_WITHIN = 60_000
const STOP_WITHIN = 15_000
const LINES_SHOWN = 20

export interface Stack {
  endpoints: Endpoints
  /** Rejects when the stack ends although nobody has stopped it. */
  broken: Promise<never>
  /** Asks it to end, kills it when it does not; resolves when it has ended. */
  stop(): Promise<void>
}

export function logFile(directory: string): string {
  return join(directory, 'dev.log')
}

/** Starts everything; rejects, with what was logged last, when it is not ready in time. */
export async function startStack(directory: string, orderStore: string, signal: AbortSignal): Promise<Stack> {
  const log = openSync(logFile(directory), 'a')
  const ports = ['gateway', 'decider', 'worker', 'swf'].flatMap(name => [`--${name}-port`, '0'])
  const places = ['--app', APP, '--data', directory, '--domain', basename(directory)]
  const child = spawn(process.execPath, [CLI, 'dev', ...places, ...ports, '--quiet'], {
    stdio: ['ignore', log, log, 'ipc'],
    env: { ...process.env, SWF_GATEWAY_DATA: directory, ORDER_STORE: orderStore },
  })
  closeSync(log)
  const ended = new Promise<string>(resolve => {
    child.once('error', error => resolve(error.message))
    child.once('exit', (code, killer) => resolve(killer ? `killed by ${killer}` : `exit code ${code}`))
  })
  const broken = ended.then(how => {
    throw new Error(`the stack has ended (${how}):\n${lastLines(logFile(directory))}`)
  })
  broken.catch(() => {})
  const stop = () => stopChild(child, ended)
  try {
    return { endpoints: await Promise.race([ready(child, directory, signal), broken]), broken, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function ready(child: ChildProcess, directory: string, signal: AbortSignal): Promise<Endpoints> {
  return new Promise((resolve, reject) => {
    const late = () =>
      reject(new Error(`the stack is not ready after ${START_WITHIN / 1_000} s:\n${lastLines(logFile(directory))}`))
    const timer = setTimeout(late, START_WITHIN).unref()
    child.on('message', (message: { type?: string; endpoints?: Endpoints }) => {
      if (message.type !== 'ready' || !message.endpoints) return
      clearTimeout(timer)
      resolve(message.endpoints)
    })
    const stopped = () => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    }
    if (signal.aborted) stopped()
    else signal.addEventListener('abort', stopped, { once: true })
  })
}

async function stopChild(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN)
  await ended
  clearTimeout(timer)
}

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-LINES_SHOWN).join('\n')
}

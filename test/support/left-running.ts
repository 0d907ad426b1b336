import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { RUN_MARK } from './environment.js'

export interface Left {
  pid: number
  command: string
}

/**
 * Finds processes that a run of tests has started, at any depth: those that carry its mark, and those that work in its
 * folder (Redis overwrites the environment that others can see). Where there is no /proc it finds none.
 */
export function leftRunning(folder: string): Left[] {
  if (!existsSync('/proc/self/environ')) return []
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(pid => pid !== process.pid && (isMarked(pid, folder) || worksIn(pid, folder)))
    .map(pid => ({ pid, command: read(pid, 'cmdline').replaceAll('\0', ' ').trim() }))
    .filter(({ command }) => command !== '') // a zombie: it has ended
}

const isMarked = (pid: number, folder: string) => read(pid, 'environ').split('\0').includes(`${RUN_MARK}=${folder}`)

function worksIn(pid: number, folder: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`).startsWith(join(folder, '/'))
  } catch {
    return false
  }
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}

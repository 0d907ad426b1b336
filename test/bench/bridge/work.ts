// The activities that are measured: they take as long as their input says, 0 not even a turn of the loop.

import { setTimeout as sleep } from 'node:timers/promises'
import { defineActivity } from '../../../src/workflow/index.js'

export const DOMAIN = 'bench'
export const ACTIVITY = 'Work'

export const contractOn = (taskList: string) =>
  defineActivity<number, number>(ACTIVITY, '1', { startToClose: '30s', taskList })

export async function work(ms: number): Promise<number> {
  if (ms > 0) await sleep(ms)
  return ms
}

// What is measured: CPU of this process, and how this machine was used meanwhile.

import { cpus } from 'node:os'
import { median } from '../local-swf/table.js'

/** User and system time of this process, in milliseconds. */
export function cpu(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

/** CPU milliseconds of some work: the median of several times. */
export async function cost(times: number, work: () => Promise<unknown>): Promise<number> {
  const costs: number[] = []
  for (let n = 0; n < times; n++) {
    const before = cpu()
    await work()
    costs.push(cpu() - before)
  }
  return median(costs)
}

const busy = () => cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0)

/** Returns a function that says how busy the machine was since, this benchmark included. */
export function load(): () => string {
  const [before, start] = [busy(), performance.now()]
  return () => {
    const part = (busy() - before) / (performance.now() - start) / cpus().length
    return `the machine was ${Math.round(part * 100)} % busy`
  }
}

export const us = (milliseconds: number): string => `${(milliseconds * 1_000).toFixed(0)} µs`
export const ms = (milliseconds: number): string => `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`
export const ratio = (one: number, other: number): string => (one / other).toFixed(2)

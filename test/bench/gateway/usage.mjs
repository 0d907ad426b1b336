// What a process uses, told by itself.

import { performance } from 'node:perf_hooks'

let cpu = process.cpuUsage()
let loop = performance.eventLoopUtilization()

/** Returns what this process has used since the last call. */
export function usage() {
  const used = process.cpuUsage(cpu)
  const { utilization } = performance.eventLoopUtilization(loop)
  globalThis.gc?.()
  const { heapUsed, external, rss } = process.memoryUsage()
  cpu = process.cpuUsage()
  loop = performance.eventLoopUtilization()
  return { cpu: (used.user + used.system) / 1_000, loop: utilization, heap: heapUsed + external, rss }
}

// The local SWF that is measured, in a process of its own: says its port, then answers what it is asked.
//
//     [--data DIRECTORY]; LOCAL_SWF names another build, for a comparison

import { performance } from 'node:perf_hooks'
import type { EventLoopUtilization } from 'node:perf_hooks'
import type { createLocalSwf as Create } from '../../../src/swf/local/index.js'
import { populate } from './population.js'
import type { Population } from './population.js'

/** What a server has used since it was asked last. */
export interface Usage {
  /** User and system time of the process, with all its threads, in milliseconds. */
  cpu: number
  /** The part of the time in which the event loop was busy, from 0 to 1. */
  loop: number
  /** Megabytes. */
  rss: number
}

const { createLocalSwf } = (await import(process.env.LOCAL_SWF ?? '../../../src/swf/local/index.js')) as {
  createLocalSwf: typeof Create
}
const data = process.argv[2]
const started = performance.now()
const swf = await createLocalSwf(data === undefined ? {} : { data })
process.send!({ port: swf.port, ms: performance.now() - started })

let cpu = process.cpuUsage()
let loop: EventLoopUtilization = performance.eventLoopUtilization()

function usage(): Usage {
  const used = process.cpuUsage(cpu)
  const { utilization } = performance.eventLoopUtilization(loop)
  cpu = process.cpuUsage()
  loop = performance.eventLoopUtilization()
  return { cpu: (used.user + used.system) / 1_000, loop: utilization, rss: process.memoryUsage().rss / 1_048_576 }
}

process.on('message', async (question: 'usage' | 'close' | Population) => {
  if (question === 'usage') process.send!(usage())
  else if (question === 'close') {
    await swf.close()
    process.exit()
  } else {
    await populate(swf, question)
    process.send!('populated')
  }
})
process.on('disconnect', () => process.exit())

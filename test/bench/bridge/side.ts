// One side of the comparison, a process of its own: node side.ts '{"how": …}'. It is told how many activities will come, and
// says what they took.
//
// bridge: the activity worker. bare: a loop of poll and respond, no queue. bullmq: the same no-op jobs, no SWF.

import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { decodePayload, encodePayload } from '../../../src/swf/payload.js'
import { createSwfClient, type SwfClient } from '../../../src/swf/client.js'
import { createLog, createMetrics } from '../../../src/telemetry.js'
import { ActivityWorker } from '../../../src/workers/activity/activity-worker.js'
import { implement } from '../../../src/workers/definitions.js'
import { contractOn, DOMAIN, work } from './work.js'

export interface SideOptions {
  how: 'bridge' | 'bare' | 'bullmq'
  endpoint: string
  redis: string
  taskList: string
  concurrency: number
  pollers: number
}

export interface Figures {
  /** When the last one was done, in milliseconds since 1970. */
  end: number
  /** User and system time of this process, in milliseconds. */
  cpu: number
  /** From the poll's answer to the answer of the respond, in milliseconds. */
  latencies: number[]
  /** Commands sent to Redis. */
  commands: number
  /** Writes to Redis: commands of one connection that left in one turn of the loop count once. */
  trips: number
}

const options = JSON.parse(process.argv[2]!) as SideOptions
const { how, endpoint, taskList, concurrency, pollers } = options
const now = () => performance.timeOrigin + performance.now()

let wanted = 0
let latencies: number[] = []
let commands = 0
let trips = 0
let cpu = process.cpuUsage()

// What goes to Redis is counted where every command passes, BullMQ's included.
const written = new WeakSet<Redis>()
const send = Redis.prototype.sendCommand
Redis.prototype.sendCommand = function (this: Redis, ...args) {
  commands++
  if (!written.has(this)) {
    written.add(this)
    trips++
    setImmediate(() => written.delete(this))
  }
  return send.apply(this, args)
}

function done(latency: number): void {
  latencies.push(latency)
  if (latencies.length !== wanted) return
  const { user, system } = process.cpuUsage(cpu)
  const figures: Figures = { end: now(), cpu: (user + system) / 1_000, latencies, commands, trips }
  process.send!(figures)
}

/** Notes when a task came and when its answer was taken. */
function watched(swf: SwfClient): SwfClient {
  const polled = new Map<string, number>()
  const noted: Partial<SwfClient> = {
    async pollForActivityTask(input, how) {
      const task = await swf.pollForActivityTask(input, how)
      if (task.taskToken) polled.set(task.taskToken, performance.now())
      return task
    },
    async respondActivityTaskCompleted(input, how) {
      await swf.respondActivityTaskCompleted(input, how)
      const at = polled.get(input.taskToken!)!
      polled.delete(input.taskToken!)
      done(performance.now() - at)
    },
  }
  return new Proxy(swf, { get: (target, name) => Reflect.get(name in noted ? noted : target, name) as unknown })
}

const sides: Record<SideOptions['how'], () => Promise<(count: number) => void>> = {
  async bridge() {
    const worker = new ActivityWorker({
      swf: watched(createSwfClient({ transport: 'http', endpoint })),
      redis: { url: options.redis },
      domain: DOMAIN,
      handlers: [implement(contractOn(taskList), work)],
      log: createLog('worker'),
      metrics: createMetrics('worker'),
      concurrency,
      pollers,
    })
    await worker.start()
    return () => {}
  },
  async bare() {
    const swf = watched(createSwfClient({ transport: 'http', endpoint }))
    const loop = async () => {
      for (;;) {
        const { taskToken, input } = await swf.pollForActivityTask({ domain: DOMAIN, taskList: { name: taskList } })
        if (!taskToken) continue
        const result = encodePayload(await work(decodePayload(input).value as number))
        await swf.respondActivityTaskCompleted({ taskToken, ...(result !== undefined && { result }) })
      }
    }
    for (let n = 0; n < Math.max(pollers, concurrency); n++) void loop()
    return () => {}
  },
  async bullmq() {
    const connection = new Redis(options.redis, { maxRetriesPerRequest: null })
    const queue = new Queue(taskList, {
      connection,
      streams: { events: { maxLen: 100 } },
      defaultJobOptions: { attempts: 1, removeOnComplete: true, removeOnFail: true },
    })
    const begun = new Map<string, number>()
    new Worker(taskList, async () => {}, { connection, concurrency, removeOnComplete: { count: 0 } }).on(
      'completed',
      ({ id }) => {
        const at = begun.get(id!)!
        begun.delete(id!)
        done(performance.now() - at)
      },
    )
    let jobs = 0
    return async count => {
      const adder = async (share: number) => {
        for (let n = 0; n < share; n++) {
          const jobId = `job-${++jobs}`
          begun.set(jobId, performance.now())
          await queue.add('task', { v: 1, task: jobId }, { jobId })
        }
      }
      const shares = Array.from({ length: pollers }, (_, n) => Math.floor((count + n) / pollers))
      await Promise.all(shares.map(adder))
    }
  },
}

const begin = await sides[how]()
process.on('message', (count: number) => {
  wanted = count
  latencies = []
  commands = trips = 0
  cpu = process.cpuUsage()
  process.send!('ready')
  begin(count)
})
process.on('disconnect', () => process.exit())
process.send!('started')

// Requests and whole cycles (start, decision, activity, close: 7 requests, 11 events) a second of the local SWF, which runs in a
// process of its own and is called over raw keep-alive connections.
//
//     node --import @oxc-node/core/register test/bench/local-swf.ts [seconds of each measurement]

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { createLocalSwf } from '../../src/swf/local/index.js'

const DOMAIN = 'bench'
const workflowType = { name: 'W', version: '1' }
const activityType = { name: 'A', version: '1' }

/** One keep-alive connection, one request at a time. */
class Connection {
  #socket: Socket
  #answer: (text: string) => void = () => {}
  #text = ''
  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1').setNoDelay(true).setEncoding('utf8')
    this.#socket.on('data', (chunk: string) => {
      this.#text += chunk
      const body = this.#text.indexOf('\r\n\r\n') + 4
      if (body < 4) return
      const length = Number(/content-length: (\d+)/i.exec(this.#text)![1])
      if (this.#text.length < body + length) return
      const text = this.#text
      this.#text = ''
      this.#answer(text.startsWith('HTTP/1.1 200') ? text.slice(body) : `!${text}`)
    })
  }

  async call(action: string, input: object): Promise<Record<string, string>> {
    const body = JSON.stringify(input)
    const answered = new Promise<string>(resolve => (this.#answer = resolve))
    this.#socket.write(
      `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Target: SimpleWorkflowService.${action}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
    const text = await answered
    if (text.startsWith('!')) throw new Error(`${action}: ${text}`)
    return (text ? JSON.parse(text) : {}) as Record<string, string>
  }

  close(): void {
    this.#socket.destroy()
  }
}

let executions = 0
async function cycle(connection: Connection, list: string): Promise<void> {
  const taskList = { name: list }
  const workflowId = `w${++executions}`
  const schedule = { activityType, activityId: 'a', input: '{"order":17}', taskList }
  await connection.call('StartWorkflowExecution', { domain: DOMAIN, workflowId, workflowType, taskList, input: 'in' })
  const first = await connection.call('PollForDecisionTask', { domain: DOMAIN, taskList })
  await connection.call('RespondDecisionTaskCompleted', {
    taskToken: first.taskToken,
    decisions: [{ decisionType: 'ScheduleActivityTask', scheduleActivityTaskDecisionAttributes: schedule }],
  })
  const task = await connection.call('PollForActivityTask', { domain: DOMAIN, taskList })
  await connection.call('RespondActivityTaskCompleted', { taskToken: task.taskToken, result: 'ok' })
  const second = await connection.call('PollForDecisionTask', { domain: DOMAIN, taskList })
  await connection.call('RespondDecisionTaskCompleted', {
    taskToken: second.taskToken,
    decisions: [{ decisionType: 'CompleteWorkflowExecution' }],
  })
}

interface Usage {
  cpu: number
  rss: number
}

async function measure(data: string | undefined, beside: number, seconds: number): Promise<void> {
  const server = fork(fileURLToPath(import.meta.url), ['serve', ...(data ? [data] : [])])
  const [port] = (await once(server, 'message')) as [number]
  const usage = async () => {
    server.send('usage')
    return ((await once(server, 'message')) as [Usage])[0]
  }
  const setup = new Connection(port)
  await setup.call('RegisterDomain', { name: DOMAIN, workflowExecutionRetentionPeriodInDays: '1' })
  await setup.call('RegisterWorkflowType', {
    domain: DOMAIN,
    ...workflowType,
    defaultTaskStartToCloseTimeout: '60',
    defaultExecutionStartToCloseTimeout: '3600',
    defaultChildPolicy: 'TERMINATE',
  })
  await setup.call('RegisterActivityType', {
    domain: DOMAIN,
    ...activityType,
    defaultTaskStartToCloseTimeout: '60',
    defaultTaskScheduleToStartTimeout: '60',
    defaultTaskScheduleToCloseTimeout: '90',
    defaultTaskHeartbeatTimeout: 'NONE',
  })
  const fillers = Array.from({ length: 32 }, () => new Connection(port))
  await Promise.all(
    fillers.map(async (connection, n) => {
      for (let i = n; i < beside; i += fillers.length) {
        const workflowId = `beside${i}`
        const input = { domain: DOMAIN, workflowId, workflowType, taskList: { name: `beside${i % 100}` } }
        await connection.call('StartWorkflowExecution', input)
      }
      connection.close()
    }),
  )
  for (const clients of [1, 16, 64]) {
    const connections = Array.from({ length: clients }, () => new Connection(port))
    const latencies: number[] = []
    await Promise.all(connections.map((connection, n) => cycle(connection, `warm${n}`)))
    const before = await usage()
    const start = performance.now()
    let requests = 0
    await Promise.all(
      connections.map(async (connection, n) => {
        while (performance.now() - start < seconds * 1_000) {
          const at = performance.now()
          await cycle(connection, `l${n}`)
          latencies.push((performance.now() - at) / 7)
          requests += 7
        }
        connection.close()
      }),
    )
    const elapsed = (performance.now() - start) / 1_000
    const after = await usage()
    latencies.sort((a, b) => a - b)
    const at = (p: number) => latencies[Math.floor(latencies.length * p)]!.toFixed(2)
    console.log(
      [
        data ? 'on disk  ' : 'in memory',
        `${beside} beside`.padStart(13),
        `${clients} clients`.padStart(10),
        `${Math.round(requests / elapsed)} requests/s`.padStart(17),
        `${Math.round(requests / 7 / elapsed)} cycles/s`.padStart(14),
        `${Math.round(((after.cpu - before.cpu) / requests) * 1_000)} µs of CPU a request`.padStart(25),
        `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms a request`,
        `${after.rss} MB`,
      ].join('  '),
    )
  }
  setup.close()
  server.kill('SIGKILL')
  await once(server, 'exit')
}

if (process.argv[2] === 'serve') {
  const data = process.argv[3]
  const { port } = await createLocalSwf(data === undefined ? {} : { data })
  process.send!(port)
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    const usage: Usage = { cpu: (user + system) / 1_000, rss: Math.round(process.memoryUsage().rss / 1_048_576) }
    process.send!(usage)
  })
  process.on('disconnect', () => process.exit())
} else {
  const seconds = Number(process.argv[2] ?? 3)
  for (const beside of [0, 10_000]) {
    await measure(undefined, beside, seconds)
    const directory = mkdtempSync(join(tmpdir(), 'local-swf-bench-'))
    await measure(directory, beside, seconds)
    rmSync(directory, { recursive: true })
  }
  process.exit()
}

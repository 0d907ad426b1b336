// Load from one process: raw keep-alive connections that do as little as they can, and the SDK as people use it.

import { performance } from 'node:perf_hooks'
import {
  PollForActivityTaskCommand,
  PollForDecisionTaskCommand,
  RespondActivityTaskCompletedCommand,
  RespondDecisionTaskCompletedCommand,
  SWFClient,
  StartWorkflowExecutionCommand,
} from '@aws-sdk/client-swf'
import { LeanConnection } from './lean-connection.js'
import { DOMAIN, activityType, workflowType } from './population.js'

/** What a load did. */
export interface Done {
  requests: number
  cycles: number
  /** Milliseconds. */
  elapsed: number
  /** The time of each request, in milliseconds. */
  latencies: number[]
  /** The part of the time in which the event loop of the load itself was busy, from 0 to 1. */
  loop: number
}

/** A connection that calls actions of SWF. */
export class Connection extends LeanConnection {
  send(action: string, body: string, answer: (body: string) => void): void {
    this.post(
      '/',
      `Content-Type: application/x-amz-json-1.0\r\nX-Amz-Target: SimpleWorkflowService.${action}`,
      body,
      answer,
    )
  }

  call<T>(action: string, input: object): Promise<T> {
    return new Promise(resolve =>
      this.send(action, JSON.stringify(input), body => resolve((body ? JSON.parse(body) : undefined) as T)),
    )
  }
}

const json = JSON.stringify
const schedule = (list: string) =>
  json({
    decisionType: 'ScheduleActivityTask',
    scheduleActivityTaskDecisionAttributes: {
      activityType,
      activityId: 'a',
      input: '{"order":17}',
      taskList: { name: list },
    },
  })
const token = (answer: string) => answer.slice(14, answer.indexOf('"', 14))

let executions = 0
/** The 7 requests of one cycle on a task list: start, decision, activity, close. Each is made of the answer to the one before. */
function cycle(list: string): readonly [action: string, body: (answer: string) => string][] {
  const poll = json({ domain: DOMAIN, taskList: { name: list } })
  const start = json({ domain: DOMAIN, workflowType, taskList: { name: list }, input: 'in' }).slice(0, -1)
  const decide = `","decisions":[${schedule(list)}]}`
  const close = `","decisions":[{"decisionType":"CompleteWorkflowExecution"}]}`
  return [
    ['StartWorkflowExecution', () => `${start},"workflowId":"x${++executions}"}`],
    ['PollForDecisionTask', () => poll],
    ['RespondDecisionTaskCompleted', answer => `{"taskToken":"${token(answer)}${decide}`],
    ['PollForActivityTask', () => poll],
    ['RespondActivityTaskCompleted', answer => `{"taskToken":"${token(answer)}","result":"ok"}`],
    ['PollForDecisionTask', () => poll],
    ['RespondDecisionTaskCompleted', answer => `{"taskToken":"${token(answer)}${close}`],
  ]
}

/** Lets `clients` connections go through cycles for `ms` milliseconds, each on task lists of its own. */
export function leanLoad(port: number, clients: number, ms: number): Promise<Done> {
  return load(clients, ms, (client, goesOn, latencies) => {
    const connection = new Connection(port)
    const steps = cycle(`l${client}`)
    return new Promise(resolve => {
      let step = 0
      let at = 0
      const next = (answer: string) => {
        const now = performance.now()
        if (at > 0) latencies.push(now - at)
        if (step === 0 && !goesOn(now)) {
          connection.close()
          resolve()
          return
        }
        at = now
        const [action, body] = steps[step]!
        step = step === 6 ? 0 : step + 1
        connection.send(action, body(answer), next)
      }
      next('')
    })
  })
}

/** The same through clients of the SDK, which share one connection pool. */
export async function sdkLoad(port: number, clients: number, ms: number): Promise<Done> {
  const client = new SWFClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  })
  try {
    return await load(clients, ms, async (n, goesOn, latencies) => {
      const taskList = { name: `sdk${n}` }
      const poll = { domain: DOMAIN, taskList }
      const timed = async <T>(answer: Promise<T>): Promise<T> => {
        const at = performance.now()
        const got = await answer
        latencies.push(performance.now() - at)
        return got
      }
      while (goesOn(performance.now())) {
        const workflowId = `s${++executions}`
        await timed(
          client.send(new StartWorkflowExecutionCommand({ domain: DOMAIN, workflowId, workflowType, taskList })),
        )
        const first = await timed(client.send(new PollForDecisionTaskCommand(poll)))
        const decision = {
          decisionType: 'ScheduleActivityTask',
          scheduleActivityTaskDecisionAttributes: { activityType, activityId: 'a', input: '{"order":17}', taskList },
        } as const
        await timed(
          client.send(new RespondDecisionTaskCompletedCommand({ taskToken: first.taskToken, decisions: [decision] })),
        )
        const task = await timed(client.send(new PollForActivityTaskCommand(poll)))
        await timed(client.send(new RespondActivityTaskCompletedCommand({ taskToken: task.taskToken, result: 'ok' })))
        const second = await timed(client.send(new PollForDecisionTaskCommand(poll)))
        await timed(
          client.send(
            new RespondDecisionTaskCompletedCommand({
              taskToken: second.taskToken,
              decisions: [{ decisionType: 'CompleteWorkflowExecution' }],
            }),
          ),
        )
      }
    })
  } finally {
    client.destroy()
  }
}

async function load(
  clients: number,
  ms: number,
  run: (client: number, goesOn: (now: number) => boolean, latencies: number[]) => Promise<void>,
): Promise<Done> {
  const latencies: number[] = []
  const before = performance.eventLoopUtilization()
  const start = performance.now()
  await Promise.all(Array.from({ length: clients }, (_, n) => run(n, now => now - start < ms, latencies)))
  const elapsed = performance.now() - start
  const { utilization: loop } = performance.eventLoopUtilization(before)
  const requests = latencies.length
  return { requests, cycles: requests / 7, elapsed, latencies, loop }
}

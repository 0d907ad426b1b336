// How late timers fire.

import { setTimeout as sleep } from 'node:timers/promises'
import { Connection, leanLoad } from './load.js'
import { DOMAIN, workflowType } from './population.js'
import type { ServerProcess } from './process.js'
import { aimed, below, percentile, table } from './table.js'

const TIMERS = 500
const AIM = 20

type Event = { eventType: string; eventTimestamp: number }

/** Lets timers of one second fire, in a server that is idle and in one that is busy. */
export async function timers(servers: Record<string, ServerProcess>): Promise<void> {
  const rows: string[][] = []
  for (const [name, server] of Object.entries(servers)) {
    for (const clients of [0, 64]) {
      const load = clients > 0 ? leanLoad(server.port, clients, 3_500) : undefined
      const late = await lateness(server.port, `late${clients}-`)
      await load
      rows.push([
        name,
        String(clients),
        `${percentile(late, 0.5).toFixed(1)} ms`,
        aimed(Number(percentile(late, 0.99).toFixed(1)), AIM, below, ' ms'),
        `${Math.max(...late).toFixed(1)} ms`,
      ])
    }
  }
  table(`How late ${TIMERS} timers fire`, ['store', 'clients', 'p50', 'p99', 'max'], rows)
}

async function lateness(port: number, prefix: string): Promise<number[]> {
  const connection = new Connection(port)
  const started: { workflowId: string; runId: string }[] = []
  for (let i = 0; i < TIMERS; i++) {
    const workflowId = `${prefix}${i}`
    const taskList = { name: workflowId }
    const { runId } = await connection.call<{ runId: string }>('StartWorkflowExecution', {
      domain: DOMAIN,
      workflowId,
      workflowType,
      taskList,
    })
    const { taskToken } = await connection.call<{ taskToken: string }>('PollForDecisionTask', {
      domain: DOMAIN,
      taskList,
    })
    const startTimerDecisionAttributes = { timerId: 't', startToFireTimeout: '1' }
    await connection.call('RespondDecisionTaskCompleted', {
      taskToken,
      decisions: [{ decisionType: 'StartTimer', startTimerDecisionAttributes }],
    })
    started.push({ workflowId, runId })
  }
  await sleep(1_500)
  const late: number[] = []
  for (const execution of started) {
    const { events } = await connection.call<{ events: Event[] }>('GetWorkflowExecutionHistory', {
      domain: DOMAIN,
      execution,
    })
    const at = (type: string) => events.find(({ eventType }) => eventType === type)!.eventTimestamp * 1_000
    late.push(at('TimerFired') - at('TimerStarted') - 1_000)
    await connection.call('TerminateWorkflowExecution', { domain: DOMAIN, ...execution })
  }
  connection.close()
  return late
}

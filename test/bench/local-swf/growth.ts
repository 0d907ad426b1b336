// What an event costs while the history of its execution grows.

import { Connection } from './load.js'
import { DOMAIN, workflowType } from './population.js'
import type { ServerProcess } from './process.js'
import { median, table } from './table.js'

const MARKERS = 7
/** A signal, its decision task scheduled, started and completed, and the markers. */
const EVENTS = 4 + MARKERS
const SPAN = 1_000
const FROM = [100, 1_000, 5_000, 10_000, 19_000]

/** Lets some executions grow to 20,000 events, and looks at spans of 1,000 events on the way. */
export async function growth(servers: Record<string, ServerProcess>, executions: number): Promise<void> {
  const columns: number[][] = []
  for (const server of Object.values(servers)) {
    await grow(server, 'warm')
    const grown: number[][] = []
    for (let i = 0; i < executions; i++) grown.push(await grow(server, `grown${i}`))
    columns.push(FROM.map((_, span) => median(grown.map(costs => costs[span]!))))
  }
  table(
    'Server CPU of an event, at some length of its history (aim: flat)',
    ['events before', ...Object.keys(servers).flatMap(name => [name, 'to the first'])],
    FROM.map((from, i) => [
      from.toLocaleString('en-US'),
      ...columns.flatMap(column => [`${column[i]!.toFixed(1)} µs`, (column[i]! / column[0]!).toFixed(2)]),
    ]),
  )
}

async function grow(server: ServerProcess, workflowId: string): Promise<number[]> {
  const connection = new Connection(server.port)
  const taskList = { name: workflowId }
  const execution = { domain: DOMAIN, workflowId }
  const decisions = Array.from({ length: MARKERS }, (_, i) => ({
    decisionType: 'RecordMarker',
    recordMarkerDecisionAttributes: { markerName: `m${i}`, details: '{"order":17}' },
  }))
  await connection.call('StartWorkflowExecution', { ...execution, workflowType, taskList })
  const step = async (events: number) => {
    await connection.call('SignalWorkflowExecution', { ...execution, signalName: 's', input: '{"order":17}' })
    const { taskToken } = await connection.call<{ taskToken: string }>('PollForDecisionTask', {
      domain: DOMAIN,
      taskList,
      startAtPreviousStartedEvent: true,
    })
    await connection.call('RespondDecisionTaskCompleted', { taskToken, decisions })
    return events + EVENTS
  }
  const costs: number[] = []
  let events = 0
  for (const from of FROM) {
    while (events < from) events = await step(events)
    await server.usage()
    const first = events
    while (events < from + SPAN) events = await step(events)
    costs.push(((await server.usage()).cpu / (events - first)) * 1_000)
  }
  await connection.call('TerminateWorkflowExecution', execution)
  connection.close()
  return costs
}

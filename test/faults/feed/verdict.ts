// What must hold of the feed and of the index whatever happened, compared with the histories that SWF holds.

import { expect } from 'vitest'
import { FeedStream, type Entry } from '../../../src/feed/stream.js'
import { deriveUpdates, type ExecutionSummary } from '../../../src/feed/update.js'
import { decodeExecutionContext } from '../../../src/swf/execution-context.js'
import { fold } from '../../../src/swf/execution-state.js'
import type { HistoryEvent, WorkflowExecution } from '../../../src/swf/history-event.js'
import { entriesOf } from '../../feed/redis.js'
import { until } from '../../support/until.js'
import type { Follower } from './follower.js'
import type { Scene } from './scene.js'

export type Changed = Entry & { kind: 'changed' }

/** The history of every execution of a scene, by run. */
export async function historiesOf({ executions, history }: Scene): Promise<Map<string, HistoryEvent[]>> {
  const histories = new Map<string, HistoryEvent[]>()
  for (const execution of executions) histories.set(execution.runId, await history(execution))
  return histories
}

/** Every update that the stream of a scene holds, in order. */
export async function updatesOf({ connection, prefix, domain }: Scene): Promise<Changed[]> {
  const entries = await entriesOf(new FeedStream(connection, prefix), domain)
  return entries.filter((entry): entry is Changed => entry.kind === 'changed')
}

const visible = ({ status, saga, stateDigest, cancelRequested }: ExecutionSummary) =>
  JSON.stringify([status, saga, stateDigest, cancelRequested])

/** Every run's updates are what its history says, each once and in order; it ends with its close and never before. */
export function expectTold(scene: Scene, histories: Map<string, HistoryEvent[]>, updates: readonly Changed[]): void {
  const byRun = new Map<string, Changed[]>()
  for (const update of updates) {
    const { runId } = update.summary
    if (!byRun.get(runId)?.push(update)) byRun.set(runId, [update])
  }
  expect(byRun.size).toBe(scene.executions.length)
  for (const execution of scene.executions) {
    const own = byRun.get(execution.runId)!
    const history = histories.get(execution.runId)!
    const { changes } = deriveUpdates(scene.domain, execution, undefined, history)
    expect(own.map(({ summary }) => visible(summary))).toEqual(
      changes.filter(({ kind }) => kind === 'changed').map(({ summary }) => visible(summary)),
    )
    for (const [n, { eventId, previousEventId, summary }] of own.entries()) {
      expect(previousEventId).toBe(own[n - 1]?.eventId ?? 0)
      expect(eventId).toBeGreaterThan(previousEventId)
      const last = n === own.length - 1
      expect([summary.status === 'OPEN', last]).toEqual([!last, last])
      if (!last) expect(['COMPLETED', 'FAILED']).not.toContain(summary.saga?.state)
    }
    expect(own.at(-1)!.summary.status).toBe(fold(history).closeStatus)
  }
}

/** A client was given just these, in this order, and nothing that says that something may be missing. */
export async function expectGiven(what: string, follower: Follower, ids: readonly string[]): Promise<void> {
  const id = ({ runId, eventId, node, __typename, reason }: Follower['got'][number]) =>
    __typename === 'Resync' ? `Resync: ${reason}` : node ? `${node.eventId} ${node.eventType}` : `${runId} ${eventId}`
  const given = () => follower.got.map(id)
  await until(() => follower.got.length >= ids.length, { what: `${what} has ${ids.length} updates` }).catch(
    (error: Error) => {
      const missing = ids.filter(one => !new Set(given()).has(one))
      throw new Error(`${error.message}, not ${given().length}; it lacks ${missing.slice(0, 5).join(', ')}`)
    },
  )
  const first = given().findIndex((one, n) => one !== ids[n])
  // The first difference, and not thousands of lines.
  expect([what, first, given()[first], follower.errors]).toEqual([what, -1, undefined, []])
}

/**
 * A client that shows what it is told, and after each Resync what it is told to read again, shows in the end what the
 * histories say; and where it was not told of a Resync it has missed nothing.
 */
export async function expectConverged(
  what: string,
  follower: Follower,
  runs: readonly WorkflowExecution[],
  histories: Map<string, HistoryEvent[]>,
): Promise<void> {
  const expected = Object.fromEntries(
    runs.map(({ workflowId, runId }) => [workflowId, fold(histories.get(runId)!).closeStatus]),
  )
  let shown: Record<string, string> = {}
  const isShown = () => {
    shown = shownBy(what, follower)
    return JSON.stringify(Object.entries(shown).sort()) === JSON.stringify(Object.entries(expected).sort())
  }
  await until(isShown, { what: `${what} shows how everything ended` }).catch(() => {})
  expect([what, shown]).toEqual([what, expected])
}

function shownBy(what: string, { got }: Follower): Record<string, string> {
  let shown: Record<string, string> = {}
  let resynced = false
  const last = new Map<string, number>()
  for (const { __typename, executions, about, ...told } of got) {
    if (__typename === 'Resync') {
      if (about) shown[about.workflowId] = about.status
      else shown = Object.fromEntries(executions!.nodes.map(({ workflowId, status }) => [workflowId, status]))
      resynced = true
      last.clear()
    } else if (__typename === 'ExecutionChanged') {
      const { workflowId, runId, eventId, previousEventId, status } = told
      const before = last.get(runId) ?? (resynced ? previousEventId : 0)
      if (before !== previousEventId) throw new Error(`${what} missed what ${workflowId} did at ${previousEventId}`)
      last.set(runId, eventId)
      shown[workflowId] = status
    }
  }
  return shown
}

/** Steps from which on a saga is too long for a list. */
const MANY = 20

interface Node {
  workflowId: string
  runId: string
  type: { name: string; version: string }
  status: string
  tags: string[]
  taskList: string
  startedAt: string
  closedAt: string | null
  cancelRequested: boolean
  saga: { state: string; step: string | null; attempt: number; steps: { name: string }[] } | null
  stuck: object | null
}
const LIST = `query ($after: String) { executions(first: 100, after: $after) {
  pageInfo { hasNextPage endCursor }
  nodes {
    workflowId runId type { name version } status tags taskList startedAt closedAt cancelRequested
    saga { state step attempt steps { name state attempts } } stuck { reason }
  }
} }`

/** Everything that a gateway lists. */
export async function listed({ graphql }: Scene, port: number): Promise<Node[]> {
  const nodes: Node[] = []
  let after: string | undefined
  do {
    const { executions } = await graphql<{
      executions: { nodes: Node[]; pageInfo: { hasNextPage: boolean; endCursor: string } }
    }>(LIST, { after }, port)
    nodes.push(...executions.nodes)
    after = executions.pageInfo.hasNextPage ? executions.pageInfo.endCursor : undefined
  } while (after !== undefined)
  return nodes
}

/** A gateway lists every execution just as its history says it is. */
export async function expectListed(scene: Scene, histories: Map<string, HistoryEvent[]>): Promise<void> {
  for (const { port } of scene.gateways) {
    const nodes = new Map((await listed(scene, port)).map(node => [node.runId, node]))
    expect(nodes.size).toBe(scene.executions.length)
    for (const execution of scene.executions) {
      const node = nodes.get(execution.runId)
      expect(node).toEqual(nodeOf(execution, histories.get(execution.runId)!, node?.saga?.steps))
    }
  }
}

/** `shown`: of many steps a list leaves some out. */
function nodeOf(
  { workflowId, runId }: WorkflowExecution,
  history: HistoryEvent[],
  shown: { name: string }[] = [],
): Node {
  const state = fold(history)
  const { saga } = decodeExecutionContext(state.executionContext)
  const isShown = ({ name }: { name: string }) => saga!.steps.length < MANY || shown.some(step => step.name === name)
  const failed = state.closeStatus !== 'COMPLETED'
  return {
    workflowId,
    runId,
    type: state.workflowType,
    status: state.closeStatus ?? 'OPEN',
    tags: state.tagList,
    taskList: state.taskList,
    startedAt: state.startTimestamp.toISOString(),
    closedAt: state.closeTimestamp?.toISOString() ?? null,
    cancelRequested: state.cancelRequested,
    saga: saga
      ? {
          state: failed ? 'FAILED' : 'COMPLETED',
          step: saga.step ?? null,
          attempt: saga.attempt,
          steps: saga.steps.filter(isShown),
        }
      : null,
    stuck: null,
  }
}

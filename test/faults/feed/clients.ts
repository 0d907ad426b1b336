// What the clients of a scene subscribe to, and what of all that happens each is to be given.

import type { HistoryEvent, WorkflowExecution } from '../../../src/swf/history-event.js'
import { follow, type Follower, type Subject, type Transport } from './follower.js'
import type { Scene } from './scene.js'
import type { Changed } from './verdict.js'

export const UPDATES = `subscription ($workflowId: String, $runId: String, $filter: ExecutionFilter, $after: String) {
  executionUpdates(workflowId: $workflowId, runId: $runId, filter: $filter, after: $after) {
    __typename
    ... on ExecutionChanged { cursor eventId previousEventId workflowId runId status saga { state } }
    ... on Resync { cursor reason about { workflowId status } executions(first: 100) { nodes { workflowId runId status } } }
  }
}`
/** The same with the whole saga, so many times. */
export const largeUpdates = (times: number) =>
  UPDATES.replace(
    'saga { state }',
    Array.from({ length: times }, (_, n) => `saga${n}: saga { state step attempt steps { name state attempts } }`).join(
      ' ',
    ),
  )
const EVENTS = `subscription ($execution: ExecutionRef!, $after: String) {
  historyEvents(execution: $execution, after: $after) { cursor node { eventId eventType } }
}`
export const TRANSPORTS: readonly Transport[] = ['WebSocket', 'SSE']

export interface Client {
  what: string
  follower: Follower
  /** What it must have been given. */
  ids(updates: readonly Changed[], histories: Map<string, HistoryEvent[]>): string[]
}

/** Ten subscriptions, each over both transports. */
export function clients(
  { url }: Scene,
  after: string,
  [one, other]: readonly [WorkflowExecution, WorkflowExecution],
): Client[] {
  const updates = (variables: object, concerns: (update: Changed) => boolean) => ({
    subject: { query: UPDATES, variables: variables as Record<string, unknown> },
    after,
    ids: (all: readonly Changed[]) => all.filter(concerns).map(({ summary, eventId }) => `${summary.runId} ${eventId}`),
  })
  const events = (execution: object, runId: string) => ({
    subject: { query: EVENTS, variables: { execution } },
    after: undefined,
    ids: (_: readonly Changed[], histories: Map<string, HistoryEvent[]>) =>
      histories.get(runId)!.map(({ eventId, eventType }) => `${eventId} ${eventType}`),
  })
  const status = ['COMPLETED', 'FAILED', 'TERMINATED']
  const sagaState = ['COMPENSATING', 'FAILED']
  const subjects: Record<string, { subject: Subject; after: string | undefined; ids: Client['ids'] }> = {
    everything: updates({}, () => true),
    'a type': updates({ filter: { type: 'Order' } }, () => true),
    'a prefix': updates({ filter: { workflowIdPrefix: 'a-' } }, ({ summary }) => summary.workflowId.startsWith('a-')),
    'what closes': updates({ filter: { status } }, ({ summary }) => status.includes(summary.status)),
    'sagas that fail': updates({ filter: { sagaState } }, ({ summary }) =>
      sagaState.includes(summary.saga?.state ?? ''),
    ),
    'a tag': updates({ filter: { tag: 'gold' } }, ({ summary }) => summary.tags.includes('gold')),
    'a workflowId': updates({ workflowId: one.workflowId }, ({ summary }) => summary.workflowId === one.workflowId),
    'a run': updates(
      { workflowId: other.workflowId, runId: other.runId },
      ({ summary }) => summary.runId === other.runId,
    ),
    'events of a workflowId': events({ workflowId: one.workflowId }, one.runId),
    'events of a run': events({ workflowId: other.workflowId, runId: other.runId }, other.runId),
  }
  return Object.entries(subjects).flatMap(([what, { subject, after, ids }]) =>
    TRANSPORTS.map(transport => ({
      what: `${what} over ${transport}`,
      follower: follow({ ...subject, transport, url, after }),
      ids,
    })),
  )
}

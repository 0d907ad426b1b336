import { createClient } from 'graphql-ws'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { completeWorkflowExecution, recordMarker } from '../../src/swf/decision.js'
import { afterFile } from '../support/dispose.js'
import { until } from '../support/until.js'
import { DOMAIN, startStack, TYPE } from './fixture.js'

const { ask, decider, swf, url } = await startStack()
const client = createClient({ url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket, retryAttempts: 0 })
afterFile(() => client.dispose())

const QUERY = `subscription ($workflowId: String!, $runId: String, $after: String) {
  historyEvents(execution: { workflowId: $workflowId, runId: $runId }, after: $after) {
    cursor node { eventId eventType ... on WorkflowExecutionSignaled { signalName } }
  }
}`
type Edge = { cursor: string; node: { eventId: number; eventType: string; signalName?: string } }

/** Subscribes and collects until it ends. */
function follow(variables: Record<string, unknown>) {
  const iterator = client.iterate<{ historyEvents: Edge }>({ query: QUERY, variables })
  const edges: Edge[] = []
  const ended = (async () => {
    for await (const { data, errors } of iterator) {
      if (errors) throw new Error(String(errors[0]!.extensions!.code))
      edges.push(data!.historyEvents)
    }
  })()
  ended.catch(() => {})
  return { edges, ended, end: () => iterator.return!() }
}

test('the events of a run come in order until it has closed; whoever was away goes on behind the last', async () => {
  const { runId } = await swf.startWorkflowExecution({ domain: DOMAIN, workflowId: 'h-1', workflowType: TYPE })
  await ask('query { execution(workflowId: "h-1") { runId } }')
  const first = follow({ workflowId: 'h-1' })
  await until(() => first.edges.length === 2, { what: 'what is there has come' })
  await swf.signalWorkflowExecution({ domain: DOMAIN, workflowId: 'h-1', signalName: 'go' })
  await decider.decide([recordMarker({ markerName: 'm' })])
  await swf.signalWorkflowExecution({ domain: DOMAIN, workflowId: 'h-1', signalName: 'again' })
  await until(() => first.edges.length >= 4, { what: 'what is new has come' })
  await first.end()
  const away = first.edges.at(-1)!.cursor
  await decider.decide([completeWorkflowExecution({})])

  const second = follow({ workflowId: 'h-1', runId, after: away })
  await second.ended
  const all = [...first.edges, ...second.edges]
  expect(all.map(({ node }) => node.eventId)).toEqual(all.map((_, n) => n + 1))
  expect(all.map(({ cursor }) => cursor)).toEqual(all.map((_, n) => String(n + 1)))
  expect(all.at(-1)!.node.eventType).toBe('WorkflowExecutionCompleted')
  expect(all.flatMap(({ node }) => node.signalName ?? [])).toEqual(['go', 'again'])

  const whole = follow({ workflowId: 'h-1', runId })
  await whole.ended
  expect(whole.edges).toEqual(all)
})

test('a run that is not there, and a cursor that is none, are refused', async () => {
  await expect(follow({ workflowId: 'nobody' }).ended).rejects.toThrow('EXECUTION_NOT_FOUND')
  await expect(follow({ workflowId: 'h-1', after: 'x' }).ended).rejects.toThrow('BAD_USER_INPUT')
})

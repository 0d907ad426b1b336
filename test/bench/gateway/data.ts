// What the gateway holds and what it is asked.

import type { ExecutionSummary } from '../../../src/feed/update.js'

export const DOMAIN = 'bench'
export const TYPE = { name: 'Order', version: '1.0' }

const STEPS = ['reserve', 'charge', 'ship', 'invoice', 'thank']

/** Execution number `n`, a saga at its third step. */
export function summaryOf(n: number): ExecutionSummary {
  return {
    domain: DOMAIN,
    workflowId: `order-${n}`,
    runId: `run+${n}=`,
    type: TYPE,
    status: 'OPEN',
    saga: {
      state: 'RUNNING',
      step: 'ship',
      attempt: 1,
      steps: STEPS.map((name, i) => ({
        name,
        state: i < 2 ? 'DONE' : i === 2 ? 'RUNNING' : 'PENDING',
        attempts: i < 3 ? 1 : 0,
      })),
    },
    tags: ['web', 'eu'],
    taskList: 'decisions',
    startedAt: Date.now() - 60_000 + n,
    cancelRequested: false,
    eventId: 17,
  }
}

const SCREEN = `id workflowId runId type { name version } status startedAt closedAt duration tags cancelRequested
  saga { state step attempt } stuck { since reason }`

/** What each operation sends; `$n` grows with every request. */
export const OPERATIONS = {
  hello: { query: '{ hello }', variables: () => ({}) },
  execution: {
    query: `query Screen($workflowId: String!) { execution(workflowId: $workflowId) { ${SCREEN} } }`,
    variables: (n: number) => ({ workflowId: `order-${n % 1_000}` }),
  },
  executions: {
    query: `query List { executions(filter: { status: [OPEN] }, first: 50) {
      nodes { ${SCREEN} } pageInfo { hasNextPage endCursor } count { value truncated } } }`,
    variables: () => ({}),
  },
  startExecution: {
    query: `mutation Start($input: StartExecutionInput!) {
      startExecution(input: $input) { created execution { workflowId runId status } } }`,
    variables: (n: number) => ({
      input: { workflowId: `started-${n}`, type: TYPE.name, input: { sku: 'KBD-104', quantity: 1 }, tags: ['web'] },
    }),
  },
} as const
export type OperationName = keyof typeof OPERATIONS

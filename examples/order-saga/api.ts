// What the demo asks of the gateway, in GraphQL.

import { setTimeout as pause } from 'node:timers/promises'
import { GatewayError, type GatewayClient } from './client.js'
import type { Order } from './order.js'

export type Status = 'OPEN' | 'COMPLETED' | 'FAILED' | 'CANCELED' | 'TERMINATED' | 'CONTINUED_AS_NEW' | 'TIMED_OUT'
export type SagaState =
  'RUNNING' | 'RETRYING' | 'ROLLING_BACK' | 'COMPENSATING' | 'WAITING_FOR_OPERATOR' | 'COMPLETED' | 'FAILED'

export interface Execution {
  workflowId: string
  status: Status
  saga: { state: SagaState; step: string | null; attempt: number } | null
  state: unknown
  failure: { reason: string } | null
  startedAt: string
  closedAt: string | null
}

/** One activity task that an execution scheduled. */
export interface Task {
  activityType: { name: string }
}

/** An order's execution has changed: a subscriber hears of each visible change once. */
export interface Change {
  workflowId: string
  status: Status
  saga: { state: SagaState } | null
}

const EXECUTION = /* GraphQL */ `
  fragment Seen on Execution {
    workflowId
    status
    state
    startedAt
    closedAt
    saga {
      state
      step
      attempt
    }
    failure {
      reason
    }
  }
`

/**
 * Starts an order, once. Sent again after a lost answer, the idempotencyKey makes it the same start, even when the order has
 * closed meanwhile.
 */
export async function startOrder(client: GatewayClient, order: Order): Promise<void> {
  const mutation = /* GraphQL */ `
    mutation Start($input: StartExecutionInput!) {
      startExecution(input: $input) {
        created
        execution {
          workflowId
          runId
        }
      }
    }
  `
  const input = {
    workflowId: order.id,
    type: 'OrderSaga',
    input: order,
    tags: [order.carrier],
    idempotencyKey: order.id,
  }
  await client.tell(mutation, { input }, async () => (await readOrder(client, order.id)) !== undefined)
}

/** Lets a held order go on. */
export async function releaseOrder(client: GatewayClient, workflowId: string, by: string): Promise<void> {
  const mutation = /* GraphQL */ `
    mutation Release($input: SignalExecutionInput!) {
      signalExecution(input: $input) {
        execution {
          workflowId
        }
      }
    }
  `
  const idempotencyKey = `release ${workflowId}`
  const input = { execution: { workflowId }, signalName: 'release', input: { by }, idempotencyKey }
  await unlessClosed(client.tell(mutation, { input }))
}

/** Asks an order to cancel itself: the workflow undoes what it has done, then closes. */
export async function cancelOrder(client: GatewayClient, workflowId: string): Promise<void> {
  const mutation = /* GraphQL */ `
    mutation Cancel($input: RequestCancelExecutionInput!) {
      requestCancelExecution(input: $input) {
        execution {
          workflowId
        }
      }
    }
  `
  await unlessClosed(client.tell(mutation, { input: { execution: { workflowId } } }))
}

/** Ends an order on the spot: the workflow is not asked, and nothing is undone. */
export async function terminateOrder(client: GatewayClient, workflowId: string, reason: string): Promise<void> {
  const mutation = /* GraphQL */ `
    mutation Terminate($input: TerminateExecutionInput!) {
      terminateExecution(input: $input) {
        execution {
          workflowId
        }
      }
    }
  `
  await unlessClosed(client.tell(mutation, { input: { execution: { workflowId }, reason } }))
}

/** Returns how an order stands; undefined before it is known. */
export async function readOrder(client: GatewayClient, workflowId: string): Promise<Execution | undefined> {
  const query = /* GraphQL */ `
    query Order($workflowId: String!) {
      execution(workflowId: $workflowId) {
        ...Seen
      }
    }
    ${EXECUTION}
  `
  return (await client.ask<{ execution: Execution | null }>(query, { workflowId })).execution ?? undefined
}

/** Returns every activity task that an order's history holds, in order. */
export async function readTasks(client: GatewayClient, workflowId: string): Promise<Task[]> {
  const query = /* GraphQL */ `
    query Tasks($workflowId: String!, $after: String) {
      execution(workflowId: $workflowId) {
        history(first: 100, after: $after, types: [ActivityTaskScheduled]) {
          nodes {
            ... on ActivityTaskScheduled {
              activityType {
                name
              }
            }
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
      }
    }
  `
  type Page = { nodes: Task[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } }
  const tasks: Task[] = []
  let after: string | null = null
  do {
    const variables: Record<string, unknown> = { workflowId, after }
    const { execution } = await client.ask<{ execution: { history: Page } }>(query, variables)
    tasks.push(...execution.history.nodes)
    after = execution.history.pageInfo.hasNextPage ? execution.history.pageInfo.endCursor : null
  } while (after !== null)
  return tasks
}

/** Returns where updates go on from what executions are now; nothing when it is no longer asked for. */
async function currentCursor(client: GatewayClient): Promise<string | undefined> {
  while (!client.signal.aborted) {
    const { executions } = await client.ask<{ executions: { updatesCursor: string | null } }>(
      '{ executions { updatesCursor } }',
    )
    if (executions.updatesCursor) return executions.updatesCursor
    // The gateway is still filling its index.
    await pause(100)
  }
  return undefined
}

/** Yields every change of every order, from before the first one was started. */
export async function* orderChanges(client: GatewayClient): AsyncGenerator<Change> {
  const subscription = /* GraphQL */ `
    subscription Changes($after: String) {
      executionUpdates(after: $after) {
        __typename
        ... on ExecutionChanged {
          cursor
          workflowId
          status
          saga {
            state
          }
        }
        ... on Resync {
          cursor
          about {
            ...Change
          }
          executions {
            nodes {
              ...Change
            }
          }
        }
      }
    }
    fragment Change on Execution {
      workflowId
      status
      saga {
        state
      }
    }
  `
  type Update =
    | ({ __typename: 'ExecutionChanged'; cursor: string } & Change)
    | { __typename: 'Resync'; cursor: string; about: Change | null; executions: { nodes: Change[] } }
    | { __typename: 'ExecutionStuck' }
  type Data = { executionUpdates: Update }
  const cursorOf = ({ executionUpdates: update }: Data) => ('cursor' in update ? update.cursor : undefined)
  const after = await currentCursor(client).catch((error: unknown) => {
    if (!client.signal.aborted) throw error
  })
  if (after === undefined) return
  for await (const { executionUpdates: update } of client.subscribe<Data>(subscription, after, cursorOf)) {
    if (update.__typename === 'ExecutionChanged') yield update
    else if (update.__typename === 'Resync') yield* update.about ? [update.about] : update.executions.nodes
  }
}

/** The execution has closed meanwhile: what was asked has been done, or came too late to matter. */
async function unlessClosed(request: Promise<void>): Promise<void> {
  await request.catch((error: unknown) => {
    if (!(error instanceof GatewayError && error.code === 'EXECUTION_CLOSED')) throw error
  })
}

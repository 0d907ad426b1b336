// Lives of orders without SWF: the example's workflow decides over a history told event by event, and its real handlers work.

import { fileURLToPath } from 'node:url'
import type { ActivityContext } from 'swf-gateway'
import { handlers } from '../../examples/order-saga/handlers.js'
import { Order } from '../../examples/order-saga/order.js'
import type { Entry } from '../../examples/order-saga/orders-file.js'
import type { Outcome } from '../../examples/order-saga/outcome.js'
import { orderSaga } from '../../examples/order-saga/workflow.js'
import type { Status } from '../../examples/order-saga/api.js'
import { decisionAttributes, type Decision } from '../../src/swf/decision.js'
import { decodePayload } from '../../src/swf/payload.js'
import { Story } from '../support/given.js'

export const ORDERS = fileURLToPath(new URL('../../examples/order-saga/orders.json', import.meta.url))

const SILENCE = 1_000
const CLOSINGS: Record<string, Status> = {
  CompleteWorkflowExecution: 'COMPLETED',
  FailWorkflowExecution: 'FAILED',
  CancelWorkflowExecution: 'CANCELED',
}

/** What a handler is given, for one run of one call. */
export function job(of: { key: string; runId: string; token?: string; signal?: AbortSignal }): ActivityContext {
  return {
    attempt: 1,
    lastHeartbeat: undefined,
    heartbeat: () => {},
    signal: of.signal ?? new AbortController().signal,
    shuttingDown: new AbortController().signal,
    idempotencyKey: of.key,
    fencingToken: of.token ?? '1.0',
    log: undefined as never,
    workflowExecution: { workflowId: 'order', runId: of.runId },
    deadline: undefined,
    activityId: '1.1',
    activityType: { name: 'Any', version: '1.0' },
    leaveOpen: () => {
      throw new Error('no handler of an order leaves its task open')
    },
  }
}

/** Lives an order from its start to its end, and does about it what its file says. */
export async function live(entry: Entry): Promise<Outcome & { story: Story }> {
  const story = new Story(orderSaga, Order.parse(entry))
  const tasks: Outcome['tasks'][number][] = []
  const ended = (status: Status, reason?: string): Outcome & { story: Story } => {
    const { saga } = story.context
    return {
      entry,
      story,
      tasks,
      execution: {
        workflowId: entry.id,
        status,
        saga: saga ? { state: saga.state, step: saga.step ?? null, attempt: saga.attempt } : null,
        state: story.context.state,
        failure: reason ? { reason } : null,
        startedAt: new Date(0).toISOString(),
        closedAt: new Date(1).toISOString(),
      },
    }
  }
  for (;;) {
    const decisions = await story.go()
    const last = decisions.at(-1)
    if (last && last.decisionType in CLOSINGS)
      return ended(CLOSINGS[last.decisionType]!, decisionAttributes(last).reason as string | undefined)
    const scheduled = decisions.filter(({ decisionType }) => decisionType === 'ScheduleActivityTask')
    const { held } = (story.context.state ?? {}) as { held?: string }
    if (scheduled.length > 0) {
      for (const decision of scheduled) {
        tasks.push({ activityType: decisionAttributes(decision).activityType as { name: string } })
        await work(story, entry, decision)
      }
    } else if (held) {
      if (entry.act === 'terminate') return ended('TERMINATED')
      if (entry.act === 'cancel') story.requestCancel()
      else story.signal('release', { by: 'test' })
    } else story.fire(/\.retry$/)
  }
}

/** Runs the handler of an activity task and records how it ended. */
async function work(story: Story, entry: Entry, decision: Decision): Promise<void> {
  const { activityType, activityId, input } = decisionAttributes(decision) as {
    activityType: { name: string }
    activityId: string
    input: string
  }
  const { value, envelope } = decodePayload(input)
  const handler = handlers.find(({ definition }) => definition.name === activityType.name)!
  const late = AbortSignal.timeout(SILENCE)
  const context = job({
    key: `${entry.id}/${envelope.idempotencyKey}`,
    runId: `run of ${entry.id}`,
    token: `${story.events.length}.0`,
    signal: late,
  })
  try {
    story.complete(activityId, await handler.run(value, context))
  } catch (error) {
    if (late.aborted) story.timeout(activityId, 'START_TO_CLOSE')
    else story.fail(activityId, (error as { reason?: string }).reason ?? (error as Error).name)
  }
}

// What resolvers work with.

import { randomUUID } from 'node:crypto'
import type { ExecutionIndex } from '../feed/execution-index.js'
import type { Publisher } from '../feed/publisher.js'
import type { Subscriber } from '../feed/subscriber.js'
import type { Tail } from '../feed/tail.js'
import type { Fleet } from '../queues/open-task.js'
import type { Queues } from '../queues/queue.js'
import type { SwfClient } from '../swf/client.js'
import type { Log, Metrics } from '../telemetry.js'
import { Budget } from './budget.js'
import type { Domains } from './domains.js'
import { Executions } from './executions.js'
import type { Histories } from './histories.js'
import { QueuePlaces } from './queue-places.js'
import type { QueueUpdates } from './queue-updates.js'
import type { WatchedHistories } from './watched-histories.js'
import type { WorkflowTypes } from './workflow-types.js'

/** What the gateway lends to every request. */
export interface Services {
  domains: Domains
  swf: SwfClient
  index: ExecutionIndex
  publisher: Publisher
  subscriber: Subscriber
  tail: Tail
  queues: Queues
  queueUpdates: QueueUpdates
  /** Where outcomes of activities are told. */
  fleet: Fleet
  histories: Histories
  watchedHistories: WatchedHistories
  types: WorkflowTypes
  log: Log
  metrics: Metrics
}

/** One request's own. */
export interface Context extends Services {
  /** Shown to the client when something inside failed, and in the log beside what it was. */
  requestId: string
  /** Who asks: what changes are signed with. */
  caller: string
  /** What it may still touch. */
  budget: Budget
  executions: Executions
  places: QueuePlaces
  /** A cursor that the transport brought, which takes the place of a subscription's `after`. */
  resumeFrom?: string
}

export function createContext(services: Services, caller = 'anonymous'): Context {
  const budget = new Budget()
  return {
    ...services,
    requestId: randomUUID(),
    caller,
    budget,
    executions: new Executions(services, budget),
    places: new QueuePlaces(services.queues),
  }
}

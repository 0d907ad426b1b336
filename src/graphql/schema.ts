// The schema, made from the decorated classes beside this file.

import { lexicographicSortSchema, printSchema, type GraphQLSchema } from 'graphql'
import { buildSchemaSync } from 'type-graphql'
import { withBudget } from './budget.js'
import { ActivityResolver } from './activity.resolver.js'
import { DomainResolver } from './domain.resolver.js'
import { DeciderResolver } from './decider.resolver.js'
import { ErrorCodeResolver } from './error-code.resolver.js'
import { ExecutionCommandResolver } from './execution-command.resolver.js'
import { ExecutionCountsResolver } from './execution-counts.resolver.js'
import { ExecutionStatsResolver } from './execution-stats.resolver.js'
import { ExecutionUpdatesResolver } from './execution-updates.resolver.js'
import { ExecutionResolver } from './execution.resolver.js'
import { HistoryEventsResolver } from './history-events.resolver.js'
import { HistoryResolver, WorkflowExecutionResolver } from './history.resolver.js'
import { NodeResolver } from './node.resolver.js'
import { PendingActivityResolver, PendingChildResolver, PendingResolver } from './pending.resolver.js'
import { QueueResolver } from './queue.resolver.js'
import { QueueUpdatesResolver } from './queue-updates.resolver.js'
import { RegisteredTypePayloadResolver, RegistrationResolver } from './registration.resolver.js'
import { TimelineResolver } from './timeline.resolver.js'

let built: GraphQLSchema | undefined

/** Returns the schema; it is built once a process. */
export function gatewaySchema(): GraphQLSchema {
  built ??= withBudget(
    buildSchemaSync({
      resolvers: [
        ActivityResolver,
        DomainResolver,
        DeciderResolver,
        ErrorCodeResolver,
        ExecutionCommandResolver,
        ExecutionCountsResolver,
        ExecutionResolver,
        ExecutionStatsResolver,
        ExecutionUpdatesResolver,
        HistoryEventsResolver,
        HistoryResolver,
        WorkflowExecutionResolver,
        NodeResolver,
        PendingResolver,
        PendingActivityResolver,
        PendingChildResolver,
        QueueResolver,
        QueueUpdatesResolver,
        RegisteredTypePayloadResolver,
        RegistrationResolver,
        TimelineResolver,
      ],
      validate: true,
      // Subscriptions have their own source; type-graphql asks for this all the same.
      pubSub: { publish: () => {}, subscribe: () => unused() },
    }),
  )
  return described(built)
}

const DESCRIPTIONS = {
  schema:
    'Amazon Simple Workflow Service: executions, their histories, the queues of their activities, and what is registered.',
  Query:
    'Reads, from an index of executions where that is enough, else from SWF and Redis. What changes nothing can be sent again.',
  Mutation: 'Changes. Those that start something take an `idempotencyKey`, with which they are safe to send again.',
  Subscription: 'What happens, as it happens; those with an `after` go on where you stopped.',
}

/** What type-graphql has no place for. */
function described(schema: GraphQLSchema): GraphQLSchema {
  schema.description = DESCRIPTIONS.schema
  schema.getQueryType()!.description = DESCRIPTIONS.Query
  schema.getMutationType()!.description = DESCRIPTIONS.Mutation
  schema.getSubscriptionType()!.description = DESCRIPTIONS.Subscription
  return schema
}

function unused(): never {
  throw new Error('subscriptions have their own source')
}

/** Returns the schema as text, in an order that does not depend on how it was built. */
export function printGatewaySchema(): string {
  return `${printSchema(lexicographicSortSchema(gatewaySchema()))}\n`
}

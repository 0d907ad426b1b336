import type { GraphQLResolveInfo } from 'graphql'
import { Arg, Ctx, Extensions, FieldResolver, Info, Int, Query, Resolver, Root } from 'type-graphql'
import { decodeExecutionContext } from '../swf/execution-context.js'
import { isRounded } from '../swf/payload.js'
import type { Context } from './context.js'
import { indexFilter } from './execution-filter.js'
import { listExecutions } from './execution-list.js'
import { ExecutionFilter, ExecutionOrder } from './execution.input.js'
import { Execution, ExecutionConnection, OpenCounts } from './execution.type.js'
import { Failure, failureOf } from './failure.type.js'
import { LIMITS } from './limits.js'
import { Payload, payloadOf } from './payload.type.js'
import { Json } from './scalar.js'
import { selects } from './selection.js'

const DOMAIN = { nullable: true, description: "The domain. Default: the gateway's." } as const
const FIRST = { defaultValue: 50, description: `How many at most, up to ${LIMITS.page}.` } as const
const AFTER = { nullable: true, description: 'Go on behind this cursor.' } as const

/** What only the history of an execution knows; of `failure` the status tells whether there is one. */
const FROM_HISTORY: ReadonlySet<string> = new Set([
  'state',
  'input',
  'result',
  'openCounts',
  'history',
  'pending',
  'timeline',
])

@Resolver(() => Execution)
export class ExecutionResolver {
  @Extensions({ rule: 'execution:read' })
  @Query(() => Execution, {
    nullable: true,
    description: 'An execution; without a runId the open run, else the latest. Null when there is none.',
  })
  async execution(
    @Arg('domain', () => String, DOMAIN) domain: string | null,
    @Arg('workflowId', () => String, { description: 'Its workflowId.' }) workflowId: string,
    @Arg('runId', () => String, { nullable: true, description: 'Its runId.' }) runId: string | null,
    @Ctx() { domains, executions }: Context,
    @Info() info: GraphQLResolveInfo,
  ): Promise<Execution | undefined> {
    const name = await domains.resolve(domain)
    const find = selects(info, FROM_HISTORY) ? executions.findNow : executions.find
    return find.call(executions, name, workflowId, runId)
  }

  @Extensions({ rule: 'execution:read' })
  @Query(() => ExecutionConnection, { nullable: true, description: 'Executions, open and closed, from the index.' })
  async executions(
    @Arg('domain', () => String, DOMAIN) domain: string | null,
    @Arg('filter', () => ExecutionFilter, { nullable: true, description: 'Which ones.' })
    filter: ExecutionFilter | null,
    @Arg('orderBy', () => ExecutionOrder, { defaultValue: 'STARTED_DESC', description: 'In which order.' })
    orderBy: ExecutionOrder,
    @Arg('first', () => Int, FIRST) first: number,
    @Arg('after', () => String, AFTER) after: string | null,
    @Ctx() context: Context,
  ): Promise<ExecutionConnection> {
    const name = await context.domains.resolve(domain)
    return listExecutions(context, name, { filter: indexFilter(filter), orderBy, first, after })
  }

  @FieldResolver(() => ExecutionConnection, { description: 'The executions that it started as its children.' })
  children(
    @Root() { domain, workflowId, runId }: Execution,
    @Arg('first', () => Int, FIRST) first: number,
    @Arg('after', () => String, AFTER) after: string | null,
    @Ctx() context: Context,
  ): Promise<ExecutionConnection> {
    return listExecutions(context, domain, {
      filter: { parent: { workflowId, runId } },
      orderBy: 'STARTED_ASC',
      first,
      after,
    })
  }

  @FieldResolver(() => Execution, {
    nullable: true,
    description: 'The execution whose child it is; null when it is none.',
  })
  async parent(@Root() { domain, kin }: Execution, @Ctx() { executions }: Context): Promise<Execution | undefined> {
    return kin.parent && executions.find(domain, kin.parent.workflowId, kin.parent.runId)
  }

  @FieldResolver(() => Execution, { nullable: true, description: 'The run that continued as this one.' })
  async previousRun(
    @Root() { domain, workflowId, kin }: Execution,
    @Ctx() { executions }: Context,
  ): Promise<Execution | undefined> {
    return kin.previousRunId === undefined ? undefined : executions.find(domain, workflowId, kin.previousRunId)
  }

  @FieldResolver(() => Execution, { nullable: true, description: 'The run that this one continued as.' })
  async nextRun(
    @Root() { domain, workflowId, kin }: Execution,
    @Ctx() { executions }: Context,
  ): Promise<Execution | undefined> {
    return kin.nextRunId === undefined ? undefined : executions.find(domain, workflowId, kin.nextRunId)
  }

  @FieldResolver(() => Json, {
    nullable: true,
    description:
      'What the workflow itself exposes; null when it exposes nothing. Its text, as a string, when it holds a number that would be rounded: deciders of others may write such.',
  })
  async state(@Root() execution: Execution, @Ctx() { executions }: Context): Promise<unknown> {
    const { executionContext } = (await executions.history(execution)).state
    const { state } = decodeExecutionContext(executionContext)
    return state !== undefined && isRounded(executionContext!) ? executionContext : state
  }

  @FieldResolver(() => Payload, { nullable: true, description: 'What it was started with.' })
  async input(@Root() execution: Execution, @Ctx() { executions }: Context): Promise<Payload | undefined> {
    const { state } = await executions.history(execution)
    return payloadOf(state.input)
  }

  @FieldResolver(() => Payload, { nullable: true, description: 'What it completed with.' })
  async result(@Root() execution: Execution, @Ctx() { executions }: Context): Promise<Payload | undefined> {
    if (execution.status !== 'COMPLETED') return undefined
    const { state } = await executions.history(execution)
    return payloadOf(state.result)
  }

  @FieldResolver(() => Failure, {
    nullable: true,
    description: 'Why it failed, timed out or was terminated; else null.',
  })
  async failure(@Root() execution: Execution, @Ctx() { executions }: Context): Promise<Failure | undefined> {
    const { status } = execution
    if (status !== 'FAILED' && status !== 'TIMED_OUT' && status !== 'TERMINATED') return undefined
    const { closeStatus, reason, details } = (await executions.history(execution)).state
    // A history that was read before the close, shown while SWF throttles, does not know yet.
    if (closeStatus !== status) return undefined
    return failureOf(`WORKFLOW_EXECUTION_${status}`, reason, details)
  }

  @FieldResolver(() => OpenCounts, { nullable: true, description: 'What it waits for, counted.' })
  async openCounts(@Root() execution: Execution, @Ctx() { executions }: Context): Promise<OpenCounts> {
    const { open } = (await executions.history(execution)).state
    const { scheduled, started } = open.decisionTask ?? {}
    return {
      activityTasks: open.activities.size,
      decisionTasks: (scheduled ? 1 : 0) + (started ? 1 : 0),
      timers: open.timers.size,
      childWorkflowExecutions: open.children.size,
      lambdaFunctions: open.lambdas.size,
    }
  }
}

// An execution, and lists of executions.

import { Field, Int, ObjectType, registerEnumType } from 'type-graphql'
import type { ExecutionSummary } from '../feed/update.js'
import { CLOSE_STATUS } from '../swf/history-event.js'
import { enumOf } from './enum.js'
import { FromIndex } from './index-progress.type.js'
import { Node, encodeNodeId } from './node.type.js'
import { Count, PageInfo } from './page.type.js'
import { Saga, Stuck } from './saga.type.js'
import { DateTime, Duration } from './scalar.js'
import { WorkflowType } from './workflow-type.type.js'

export const ExecutionStatus = enumOf(['OPEN', ...Object.values(CLOSE_STATUS)])
export type ExecutionStatus = keyof typeof ExecutionStatus
registerEnumType(ExecutionStatus, {
  name: 'ExecutionStatus',
  description: 'OPEN, or how the execution closed.',
  valuesConfig: {
    OPEN: { description: 'It has not closed.' },
    COMPLETED: { description: 'Its workflow returned.' },
    FAILED: { description: 'Its workflow failed: see `failure`.' },
    CANCELED: { description: 'Its workflow canceled itself, having been asked to.' },
    TERMINATED: { description: 'Somebody ended it; its workflow was not asked.' },
    CONTINUED_AS_NEW: { description: 'It goes on in another run: see `nextRun`.' },
    TIMED_OUT: { description: 'It took longer than its timeout.' },
  },
})

export const Source = enumOf(['SWF', 'INDEX', 'CACHE'])
export type Source = keyof typeof Source
registerEnumType(Source, {
  name: 'Source',
  description: 'Where data comes from.',
  valuesConfig: {
    SWF: { description: 'From SWF, just now.' },
    INDEX: { description: "From the gateway's own index, which the feed keeps up to date; costs none of SWF's quota." },
    CACHE: {
      description:
        'From memory: a closed execution, whose history never changes, or an open one as it was read last, shown while SWF throttles; `asOf` says when that was.',
    },
  },
})

@ObjectType({ description: 'What an execution waits for, counted.', simpleResolvers: true })
export class OpenCounts {
  @Field(() => Int, { description: 'Activities that have not ended.' })
  activityTasks!: number

  @Field(() => Int, { description: 'Decision tasks that have not been answered.' })
  decisionTasks!: number

  @Field(() => Int, { description: 'Timers that have not fired.' })
  timers!: number

  @Field(() => Int, { description: 'Children that have not closed.' })
  childWorkflowExecutions!: number

  @Field(() => Int, { description: 'Lambda functions that have not returned.' })
  lambdaFunctions!: number
}

@ObjectType({ description: 'One run of a workflow.', implements: Node, simpleResolvers: true })
export class Execution {
  readonly __typename!: 'Execution'
  id!: string

  /** Not a field: the ids from which the fields `parent`, `previousRun` and `nextRun` find theirs. */
  kin!: Pick<ExecutionSummary, 'parent' | 'previousRunId' | 'nextRunId'>

  @Field(() => String, { description: 'The domain that it lives in.' })
  domain!: string

  @Field(() => String, { description: 'Its name, chosen by whoever started it; one open execution has it at a time.' })
  workflowId!: string

  @Field(() => String, { description: 'Which run of that workflowId it is; chosen by SWF.' })
  runId!: string

  @Field(() => WorkflowType, { description: 'The type of its workflow.' })
  type!: WorkflowType

  @Field(() => ExecutionStatus, { description: 'OPEN, or how it closed.' })
  status!: ExecutionStatus

  @Field(() => Saga, { nullable: true, description: 'Its saga; null when its workflow is none.' })
  saga?: Saga | undefined

  @Field(() => [String], { description: 'The tags that it was started with.' })
  tags!: string[]

  @Field(() => String, { description: 'The task list of its decision tasks.' })
  taskList!: string

  @Field(() => DateTime, { description: 'When it was started.' })
  startedAt!: Date

  @Field(() => DateTime, { nullable: true, description: 'When it closed; null while it is open.' })
  closedAt?: Date | undefined

  @Field(() => Duration, { description: 'From its start to its close, or until now.' })
  duration!: number

  @Field(() => Boolean, { description: 'Somebody has asked it to cancel itself.' })
  cancelRequested!: boolean

  @Field(() => Stuck, {
    nullable: true,
    description: 'Why it makes no progress until its code is mended; null when it does.',
  })
  stuck?: Stuck | undefined

  @Field(() => DateTime, { description: 'How old this is: when it was read from its `source`.' })
  asOf!: Date

  @Field(() => Source, {
    description: 'Where this comes from: INDEX, unless fields are asked for that only its history knows.',
  })
  source!: Source
}

@ObjectType({ description: 'An execution and its cursor.', simpleResolvers: true })
export class ExecutionEdge {
  @Field(() => String, { description: 'Give it as `after` to go on behind this one.' })
  cursor!: string

  @Field(() => Execution, { description: 'The execution.' })
  node!: Execution
}

@ObjectType({ description: 'A page of executions.', simpleResolvers: true })
export class ExecutionConnection extends FromIndex {
  @Field(() => [ExecutionEdge], { description: 'The executions with their cursors.' })
  edges!: ExecutionEdge[]

  @Field(() => [Execution], { description: 'The executions.' })
  nodes!: Execution[]

  @Field(() => PageInfo, { description: 'Where this page stands.' })
  pageInfo!: PageInfo

  @Field(() => Count, { description: 'How many match, on all pages.' })
  count!: Count

  @Field(() => Source, { description: 'Where this comes from.' })
  source!: Source

  @Field(() => String, {
    nullable: true,
    description:
      'Give it as `after` to executionUpdates to hear of everything that this list does not show yet; null while the index is being built.',
  })
  updatesCursor?: string | undefined
}

/** Returns a summary as clients see it: an instance, which type-graphql hands on to resolvers as it is. */
export function executionOf(summary: ExecutionSummary, source: Source, asOf: Date = new Date()): Execution {
  const { domain, workflowId, runId, startedAt, closedAt, parent, previousRunId, nextRunId, ...rest } = summary
  return Object.assign(new Execution(), {
    __typename: 'Execution' as const,
    id: encodeNodeId({ type: 'Execution', domain, workflowId, runId }),
    domain,
    workflowId,
    runId,
    ...rest,
    startedAt: new Date(startedAt),
    closedAt: closedAt === undefined ? undefined : new Date(closedAt),
    duration: (closedAt ?? asOf.getTime()) - startedAt,
    asOf,
    source,
    kin: { ...(parent && { parent }), ...(previousRunId && { previousRunId }), ...(nextRunId && { nextRunId }) },
  })
}

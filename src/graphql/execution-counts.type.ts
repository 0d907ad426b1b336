// How many executions there are of each kind.

import { Field, Int, ObjectType, registerEnumType } from 'type-graphql'
import type { ExecutionGroup } from '../feed/execution-query.js'
import { enumOf } from './enum.js'
import { ExecutionStatus } from './execution.type.js'
import { FromIndex } from './index-progress.type.js'
import { SagaState } from './saga.type.js'

export const ExecutionGrouping = enumOf(['TYPE', 'VERSION', 'STATUS', 'SAGA_STATE', 'STUCK'])
registerEnumType(ExecutionGrouping, {
  name: 'ExecutionGrouping',
  description: 'What executions are counted by.',
  valuesConfig: {
    TYPE: { description: 'The name of their workflow type.' },
    VERSION: { description: 'The version of their workflow type.' },
    STATUS: { description: 'OPEN, or how they closed.' },
    SAGA_STATE: { description: 'Where their saga stands.' },
    STUCK: { description: 'Whether they are stuck.' },
  },
})

@ObjectType({ description: 'How many executions have something in common.', simpleResolvers: true })
export class ExecutionCount implements Omit<ExecutionGroup, 'status' | 'sagaState'> {
  @Field(() => String, { nullable: true, description: 'Name of the workflow type, where grouped by TYPE.' })
  type?: string

  @Field(() => String, { nullable: true, description: 'Version of the workflow type, where grouped by VERSION.' })
  version?: string

  @Field(() => ExecutionStatus, { nullable: true, description: 'Where grouped by STATUS.' })
  status?: ExecutionStatus

  @Field(() => SagaState, {
    nullable: true,
    description: 'Where grouped by SAGA_STATE; null also for executions without a saga.',
  })
  sagaState?: keyof typeof SagaState

  @Field(() => Boolean, { nullable: true, description: 'Where grouped by STUCK.' })
  stuck?: boolean

  @Field(() => Int, { description: 'How many.' })
  count!: number
}

@ObjectType({ description: 'Executions, counted.', simpleResolvers: true })
export class ExecutionCounts extends FromIndex {
  @Field(() => [ExecutionCount], { description: 'The largest group first.' })
  groups!: ExecutionCount[]

  @Field(() => Boolean, { description: 'Only the 1,000,000 that started last were counted.' })
  truncated!: boolean
}

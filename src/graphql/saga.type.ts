// What a workflow shows of itself: its saga, and that it is stuck.

import { Field, Int, ObjectType, registerEnumType } from 'type-graphql'
import { SAGA_STATES } from '../swf/execution-context.js'
import { enumOf } from './enum.js'
import { DateTime } from './scalar.js'

export const SagaState = enumOf(SAGA_STATES)
registerEnumType(SagaState, {
  name: 'SagaState',
  description:
    "Where a saga stands. SWF's status says how the execution closed; a canceled saga that compensated ends FAILED with status CANCELED.",
  valuesConfig: {
    RUNNING: { description: 'A step runs for the first time.' },
    RETRYING: { description: 'A step runs again, or waits to.' },
    ROLLING_BACK: { description: 'The half-done work of the step that failed is being undone.' },
    COMPENSATING: { description: 'Completed steps are being undone, the last one first.' },
    WAITING_FOR_OPERATOR: {
      description:
        'Steps are LEFT, and a signal is to say whether they are undone again or given up: `swf-gateway.retry-undo`, with `{ "steps": [...], "giveUp": true }` or without.',
    },
    COMPLETED: { description: 'Every step is done.' },
    FAILED: { description: 'A step failed for good; what was done has been undone, or is LEFT.' },
  },
})

export const SagaStepState = enumOf([
  'PENDING',
  'RUNNING',
  'RETRYING',
  'DONE',
  'FAILED',
  'ROLLING_BACK',
  'COMPENSATING',
  'UNDONE',
  'LEFT',
  'SKIPPED',
])
registerEnumType(SagaStepState, {
  name: 'SagaStepState',
  description: 'Where one step of a saga stands.',
  valuesConfig: {
    PENDING: { description: 'It is still to come.' },
    RUNNING: { description: 'It runs for the first time.' },
    RETRYING: { description: 'It runs again, or waits to.' },
    DONE: { description: 'It succeeded.' },
    FAILED: { description: 'It failed for good; what it has half done may still have to be undone.' },
    ROLLING_BACK: { description: 'It failed, and what it has half done is being undone.' },
    COMPENSATING: { description: 'It was done, and is being undone.' },
    UNDONE: { description: 'Compensated or rolled back.' },
    LEFT: { description: 'Its compensation failed for good: somebody must look after it.' },
    SKIPPED: { description: 'Its condition left it out, or the saga ended before it.' },
  },
})

@ObjectType({ description: 'One step of a saga.', simpleResolvers: true })
export class SagaStep {
  @Field(() => String, { description: 'Name of the step.' })
  name!: string

  @Field(() => SagaStepState, { description: 'Where it stands.' })
  state!: keyof typeof SagaStepState

  @Field(() => Int, { description: 'How often it has been tried; 0 before the first.' })
  attempts!: number
}

@ObjectType({ description: 'A saga: steps that are undone when one fails.', simpleResolvers: true })
export class Saga {
  @Field(() => SagaState, { description: 'Where the saga stands.' })
  state!: keyof typeof SagaState

  @Field(() => String, { nullable: true, description: 'Name of the step that it is at, or ended at.' })
  step?: string | undefined

  @Field(() => Int, { description: "That step's attempt, from 1." })
  attempt!: number

  @Field(() => [SagaStep], {
    description:
      'The steps, in order: all of them, or of very many those that matter most. A saga inside a step has steps named `step/inner step`.',
  })
  steps!: SagaStep[]

  @Field(() => Int, { nullable: true, description: 'How many steps the list leaves out; null when it has all.' })
  omittedSteps?: number | undefined
}

@ObjectType({ description: 'Why a run makes no progress until its code is mended.', simpleResolvers: true })
export class Stuck {
  @Field(() => DateTime, { description: 'Since when.' })
  since!: number

  @Field(() => String, { description: 'What replay or the workflow ran into.' })
  reason!: string

  @Field(() => Int, { nullable: true, description: 'The event at which it happened.' })
  eventId?: number | undefined

  @Field(() => String, { nullable: true, description: "The author's line: `order.workflow.js:41:12`." })
  location?: string | undefined
}

// Domains and types as they are registered.

import { Field, Int, ObjectType, registerEnumType } from 'type-graphql'
import { enumOf } from './enum.js'
import { ChildPolicy } from './history.type.js'
import { Count, PageInfo } from './page.type.js'
import { DateTime, Duration } from './scalar.js'

export const RegistrationStatus = enumOf(['REGISTERED', 'DEPRECATED'])
export type RegistrationStatus = keyof typeof RegistrationStatus
registerEnumType(RegistrationStatus, {
  name: 'RegistrationStatus',
  description: 'Whether a domain or type takes new executions.',
  valuesConfig: {
    REGISTERED: { description: 'It may be used.' },
    DEPRECATED: { description: 'What is open goes on; nothing new starts.' },
  },
})

@ObjectType({ description: 'A domain: a world of its own for executions and types.', simpleResolvers: true })
export class Domain {
  @Field(() => String, { description: 'Its name.' })
  name!: string

  @Field(() => RegistrationStatus, { description: 'Whether it takes new executions.' })
  status!: RegistrationStatus

  @Field(() => String, { nullable: true, description: 'What it was registered with.' })
  description?: string | undefined

  @Field(() => String, { nullable: true, description: 'Its name in policies of Amazon.' })
  arn?: string | undefined

  /** Known where the domain was described; not a field: where `retentionDays` looks. */
  retentionDays?: number | undefined
}

@ObjectType({
  description: 'What executions or activities of a type get when they are not told otherwise.',
  simpleResolvers: true,
})
export class TypeDefaults {
  @Field(() => String, { nullable: true, description: 'Task list.' })
  taskList?: string | undefined

  @Field(() => Int, { nullable: true, description: 'Priority of tasks.' })
  taskPriority?: number | undefined

  @Field(() => Duration, { nullable: true, description: 'How long a task may run; null also for no limit.' })
  taskStartToCloseTimeout?: number | undefined

  @Field(() => Duration, { nullable: true, description: 'Workflow types: how long an execution may take.' })
  executionStartToCloseTimeout?: number | undefined

  @Field(() => ChildPolicy, { nullable: true, description: 'Workflow types: what becomes of children.' })
  childPolicy?: keyof typeof ChildPolicy | undefined

  @Field(() => Duration, { nullable: true, description: 'Activity types: how long a task may wait for a worker.' })
  taskScheduleToStartTimeout?: number | undefined

  @Field(() => Duration, { nullable: true, description: 'Activity types: how long a task may wait and run.' })
  taskScheduleToCloseTimeout?: number | undefined

  @Field(() => Duration, { nullable: true, description: 'Activity types: the longest silence of a running task.' })
  taskHeartbeatTimeout?: number | undefined
}

@ObjectType({ description: 'A type as it is registered; it never changes.', simpleResolvers: true })
export class RegisteredType {
  /** Not fields: where `defaults` looks. */
  kind!: 'workflow' | 'activity'
  domain!: string

  @Field(() => String, { description: 'Its name.' })
  name!: string

  @Field(() => String, { description: 'Its version.' })
  version!: string

  @Field(() => RegistrationStatus, { description: 'Whether it takes new executions.' })
  status!: RegistrationStatus

  @Field(() => String, { nullable: true, description: 'What it was registered with.' })
  description?: string | undefined

  @Field(() => DateTime, { nullable: true, description: 'When it was registered.' })
  createdAt?: Date | undefined

  @Field(() => DateTime, { nullable: true, description: 'When it was deprecated; null when it is not.' })
  deprecatedAt?: Date | undefined
}

@ObjectType({ description: 'A type and its cursor.', simpleResolvers: true })
export class RegisteredTypeEdge {
  @Field(() => String, { description: 'Give it as `after` to go on behind this one.' })
  cursor!: string

  @Field(() => RegisteredType, { description: 'The type.' })
  node!: RegisteredType
}

@ObjectType({ description: 'A page of types, by name and version.', simpleResolvers: true })
export class RegisteredTypeConnection {
  @Field(() => [RegisteredTypeEdge], { description: 'The types with their cursors.' })
  edges!: RegisteredTypeEdge[]

  @Field(() => [RegisteredType], { description: 'The types.' })
  nodes!: RegisteredType[]

  @Field(() => PageInfo, { description: 'Where this page stands.' })
  pageInfo!: PageInfo
}

@ObjectType({ description: 'Tasks that wait in SWF for a poll, estimated.', simpleResolvers: true })
export class PendingTasks {
  @Field(() => Count, { description: 'Decision tasks.' })
  decisionTasks!: Count

  @Field(() => Count, { description: 'Activity tasks.' })
  activityTasks!: Count
}

const IN_DOMAIN = 'Ask it of `domain`.'
const IN_TYPE = 'Ask it of `type`.'

@ObjectType({ description: 'A domain after what was done to it.', simpleResolvers: true })
export class DomainPayload {
  @Field(() => Domain, { description: 'The domain.' })
  domain!: Domain

  @Field(() => String, { description: 'Its name.', deprecationReason: IN_DOMAIN })
  name!: string

  @Field(() => RegistrationStatus, { description: 'Whether it takes new executions.', deprecationReason: IN_DOMAIN })
  status!: RegistrationStatus

  @Field(() => String, { nullable: true, description: 'What it was registered with.', deprecationReason: IN_DOMAIN })
  description?: string | undefined

  @Field(() => String, { nullable: true, description: 'Its name in policies of Amazon.', deprecationReason: IN_DOMAIN })
  arn?: string | undefined

  @Field(() => Int, {
    nullable: true,
    description: 'Days that closed executions are kept.',
    deprecationReason: IN_DOMAIN,
  })
  retentionDays?: number | undefined
}

@ObjectType({ description: 'A type after what was done to it.', simpleResolvers: true })
export class RegisteredTypePayload {
  @Field(() => RegisteredType, { description: 'The type.' })
  type!: RegisteredType

  @Field(() => String, { description: 'Its name.', deprecationReason: IN_TYPE })
  name!: string

  @Field(() => String, { description: 'Its version.', deprecationReason: IN_TYPE })
  version!: string

  @Field(() => RegistrationStatus, { description: 'Whether it takes new executions.', deprecationReason: IN_TYPE })
  status!: RegistrationStatus

  @Field(() => String, { nullable: true, description: 'What it was registered with.', deprecationReason: IN_TYPE })
  description?: string | undefined

  @Field(() => DateTime, { nullable: true, description: 'When it was registered.', deprecationReason: IN_TYPE })
  createdAt?: Date | undefined

  @Field(() => DateTime, { nullable: true, description: 'When it was deprecated.', deprecationReason: IN_TYPE })
  deprecatedAt?: Date | undefined
}

@ObjectType({ description: 'The type that is gone.', simpleResolvers: true })
export class DeletedTypePayload {
  @Field(() => String, { description: 'The domain that it was in.' })
  domain!: string

  @Field(() => String, { description: 'Its name.' })
  name!: string

  @Field(() => String, { description: 'Its version.' })
  version!: string
}

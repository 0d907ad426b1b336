// Names of registered types.

import 'reflect-metadata'
import { Field, ObjectType } from 'type-graphql'

@ObjectType({ description: 'A workflow type, as registered in SWF.', simpleResolvers: true })
export class WorkflowType {
  @Field(() => String, { description: 'Its name.' })
  name!: string

  @Field(() => String, { description: 'Its version.' })
  version!: string
}

@ObjectType({ description: 'An activity type, as registered in SWF.', simpleResolvers: true })
export class ActivityType {
  @Field(() => String, { description: 'Its name.' })
  name!: string

  @Field(() => String, { description: 'Its version.' })
  version!: string
}

// Parts of every connection.

import 'reflect-metadata'
import { Field, Int, ObjectType } from 'type-graphql'

@ObjectType({ description: 'Where a page stands among all.', simpleResolvers: true })
export class PageInfo {
  @Field(() => Boolean, { description: 'More follow after `endCursor`.' })
  hasNextPage!: boolean

  @Field(() => Boolean, { description: 'More stand before `startCursor`.' })
  hasPreviousPage!: boolean

  @Field(() => String, { nullable: true, description: 'Cursor of the first item; null on an empty page.' })
  startCursor?: string | undefined

  @Field(() => String, {
    nullable: true,
    description: 'Cursor of the last item: give it as `after` for the next page.',
  })
  endCursor?: string | undefined
}

@ObjectType({ description: 'How many there are.', simpleResolvers: true })
export class Count {
  @Field(() => Int, { description: 'The number, exact unless truncated.' })
  value!: number

  @Field(() => Boolean, { description: 'There are more than `value`; counting stopped there.' })
  truncated!: boolean
}

/** What SWF says of tasks that wait. */
type PendingCount = { count?: number | undefined; truncated?: boolean | undefined }

/** Returns a count of SWF as clients see it. */
export function countOf({ count = 0, truncated = false }: PendingCount): Count {
  return { value: count, truncated }
}

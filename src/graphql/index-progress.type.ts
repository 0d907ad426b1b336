// How complete an answer from the index is.

import { Field, Int, ObjectType } from 'type-graphql'
import type { Indexed } from '../feed/execution-index.js'
import { DateTime } from './scalar.js'

@ObjectType({ description: 'How far the index is on its way to be complete.', simpleResolvers: true })
export class IndexProgress {
  @Field(() => Int, { description: 'Executions read so far.' })
  done!: number

  @Field(() => Int, {
    nullable: true,
    description:
      'How many there are to be read, about; null while SWF is still being asked which there are, since Redis is new or was emptied.',
  })
  total?: number
}

/** What comes from the index says how complete it is. */
@ObjectType({ simpleResolvers: true })
export abstract class FromIndex {
  @Field(() => DateTime, {
    nullable: true,
    description: 'Up to when the index is known to be complete; null until it has been for the first time.',
  })
  indexedUpTo?: Date | undefined

  @Field(() => IndexProgress, {
    nullable: true,
    description:
      'How far the index is while it is being built: until then executions are missing here. Null when it is complete.',
  })
  indexing?: IndexProgress | undefined
}

/** Returns what the index says of itself as clients see it. */
export function fromIndex({ indexedUpTo, indexing }: Indexed): FromIndex {
  return { indexedUpTo: indexedUpTo === undefined ? undefined : new Date(indexedUpTo), indexing }
}

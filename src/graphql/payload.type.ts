// Data of authors: inputs, results, details.

import { Field, Int, ObjectType } from 'type-graphql'
import { decodePayload, isRounded } from '../swf/payload.js'
import { Json } from './scalar.js'

@ObjectType({ description: 'Data that an author passed through SWF.', simpleResolvers: true })
export class Payload {
  @Field(() => Int, { description: 'Its size in SWF, in characters; SWF takes 32,768.' })
  size!: number

  @Field(() => String, { description: 'Where the data stands: `INLINE`, in SWF itself.' })
  place!: string

  @Field(() => Json, {
    nullable: true,
    description:
      'The data; text that is not JSON comes as a string. Null when masked, and when it holds a number that would be rounded, such as 9007199254740993, which others may have written: `text` has it.',
  })
  value!: unknown

  @Field(() => String, {
    nullable: true,
    description:
      'The data as SWF has it, to the letter; what this product puts around a value, `{"swf-gateway":1,"value":…}`, is in it. Null when masked.',
  })
  text!: string | undefined

  @Field(() => Boolean, { description: 'You may not see the value.' })
  masked!: boolean
}

/** Returns a text of SWF as a Payload; its value is decoded only when it is asked for. */
export function payloadOf(text: string | undefined): Payload | undefined {
  if (text === undefined) return undefined
  return {
    size: text.length,
    place: 'INLINE',
    masked: false,
    text,
    get value() {
      if (isRounded(text)) return null
      const { value, envelope } = decodePayload(text)
      // Failures and executionContexts wear the envelope's mark but have no value in it.
      return value === undefined && Object.keys(envelope).length > 0 ? envelope : value
    },
  }
}

/** Returns a value that has already been decoded as a Payload. */
export function payloadOfValue(value: unknown): Payload | undefined {
  if (value === undefined) return undefined
  const text = JSON.stringify(value)
  return { size: text.length, place: 'INLINE', masked: false, value, text }
}

import { Max, Min } from 'class-validator'
import { isoDuration } from '../swf/duration.js'

/** Has a Duration last so long; its limits, in milliseconds, are told as clients write them. */
export function Lasts(least: number, most = Infinity): PropertyDecorator {
  const message = `$property must be ${isoDuration(least)} or longer${most === Infinity ? '' : `, up to ${isoDuration(most)}`}`
  return (target, property) => {
    Min(least, { message })(target, property as string)
    Max(most, { message })(target, property as string)
  }
}

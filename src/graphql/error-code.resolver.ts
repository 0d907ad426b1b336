import { Extensions, Query, Resolver, registerEnumType } from 'type-graphql'
import { described, enumOf } from './enum.js'
import { ERROR_CODES, type ErrorCode } from './error-code.js'

const NAMES = Object.keys(ERROR_CODES) as ErrorCode[]
const ErrorCodeEnum = enumOf(NAMES)
registerEnumType(ErrorCodeEnum, {
  name: 'ErrorCode',
  description: 'Every value that `extensions.code` of an error may hold.',
  valuesConfig: described(ERROR_CODES),
})

@Resolver()
export class ErrorCodeResolver {
  @Extensions({ rule: 'public' })
  @Query(() => [ErrorCodeEnum], { description: 'Every code that `extensions.code` of an error may hold.' })
  errorCodes(): ErrorCode[] {
    return NAMES
  }
}

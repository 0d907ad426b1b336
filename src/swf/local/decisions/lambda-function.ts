// ScheduleLambdaFunction. Whether the function is there turns out after the batch, as it does in SWF.

import type { Decide } from './batch.js'
import { fail, record } from './batch.js'

/** The longest that a function may run, in seconds, and what is assumed when the decision does not say. */
const LONGEST = '900'

export const scheduleLambdaFunction: Decide<'ScheduleLambdaFunction'> = (batch, given) => {
  const { engine, x, after, decisionTaskCompletedEventId } = batch
  const { id, name, control, input, startToCloseTimeout = LONGEST } = given
  if (x.lambdaById.has(id)) return fail(batch, 'ScheduleLambdaFunction', given, 'ID_ALREADY_IN_USE')
  if (x.lambdas.size >= engine.quotas.openLambdaFunctions) {
    return fail(batch, 'ScheduleLambdaFunction', given, 'OPEN_LAMBDA_FUNCTIONS_LIMIT_EXCEEDED')
  }
  const scheduled = record(batch, 'LambdaFunctionScheduled', {
    id,
    name,
    control,
    input,
    startToCloseTimeout,
    decisionTaskCompletedEventId,
  })
  if (scheduled) after.push(() => engine.startLambda(x.lambdas.get(scheduled)!))
}

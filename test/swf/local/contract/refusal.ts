import { expect, test } from 'vitest'
import type { Decision } from '@aws-sdk/client-swf'
import { DOMAIN, activityType, decide, unique, workflowType } from '../fixture.js'
import type { Contract } from './contract.js'
import { refused, scheduled, story } from './contract.js'

const completed = { decisionTaskCompletedEventId: 4 }
const unstarted = { initiatedEventId: 0, ...completed }

/** Every decision, the event by which it fails, and what that event repeats of it. */
const FAILURES: [Decision, type: string, given: object, throttled?: string, denied?: string][] = [
  [
    decide.schedule('a'),
    'ScheduleActivityTaskFailed',
    { activityId: 'a', activityType, ...completed },
    'ACTIVITY_CREATION_RATE_EXCEEDED',
  ],
  [decide.cancelActivity('a'), 'RequestCancelActivityTaskFailed', { activityId: 'a', ...completed }],
  [decide.complete(), 'CompleteWorkflowExecutionFailed', completed],
  [decide.fail(), 'FailWorkflowExecutionFailed', completed],
  [decide.cancel(), 'CancelWorkflowExecutionFailed', completed],
  [
    decide.continueAsNew(),
    'ContinueAsNewWorkflowExecutionFailed',
    completed,
    'CONTINUE_AS_NEW_WORKFLOW_EXECUTION_RATE_EXCEEDED',
  ],
  [decide.timer('t', '1'), 'StartTimerFailed', { timerId: 't', ...completed }, 'TIMER_CREATION_RATE_EXCEEDED'],
  [decide.cancelTimer('t'), 'CancelTimerFailed', { timerId: 't', ...completed }],
  [
    decide.signal('w', { runId: 'r', control: 'c' }),
    'SignalExternalWorkflowExecutionFailed',
    { workflowId: 'w', runId: 'r', control: 'c', ...unstarted },
    'SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_RATE_EXCEEDED',
  ],
  [
    decide.requestCancel('w'),
    'RequestCancelExternalWorkflowExecutionFailed',
    { workflowId: 'w', ...unstarted },
    'REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_RATE_EXCEEDED',
  ],
  [
    decide.child('w', { control: 'c' }),
    'StartChildWorkflowExecutionFailed',
    { workflowId: 'w', workflowType, control: 'c', ...unstarted },
    'CHILD_CREATION_RATE_EXCEEDED',
  ],
  [
    decide.lambda('l'),
    'ScheduleLambdaFunctionFailed',
    { id: 'l', name: 'f', ...completed },
    'LAMBDA_FUNCTION_CREATION_RATE_EXCEEDED',
    'LAMBDA_SERVICE_NOT_AVAILABLE_IN_REGION',
  ],
]

/** What a caller may not do. */
export function denials({ swf, start, faults }: Contract): void {
  test.each(FAILURES)(
    '%j that is not permitted is %s',
    async (decision, type, given, _throttled, cause = 'OPERATION_NOT_PERMITTED') => {
      faults.add({ kind: 'deny', action: decision.decisionType!, times: 1 })
      const run = await start()
      await run.decide(decision)
      expect(await story(run, 5)).toEqual([[type, { ...given, cause }], scheduled(run)])
      await run.terminate()
    },
  )

  test('RecordMarkerFailed needs no decider', async () => {
    faults.add({ kind: 'deny', action: 'RecordMarker', times: 1 })
    const run = await start()
    await run.decide(decide.marker('m'), decide.marker('n'))
    expect(await story(run, 5)).toEqual([
      ['RecordMarkerFailed', { markerName: 'm', cause: 'OPERATION_NOT_PERMITTED', ...completed }],
      ['MarkerRecorded', { markerName: 'n', ...completed }],
    ])
  })

  test('an action that is not permitted is a fault', async () => {
    faults.add({ kind: 'deny', action: 'ListDomains', times: 1 })
    await refused(swf.listDomains({ registrationStatus: 'REGISTERED' }), 'OperationNotPermittedFault')
  })
}

/** The quotas of the server of `quotas`: little of everything. */
export const FEW = {
  rates: Object.fromEntries(
    FAILURES.flatMap(([{ decisionType }, , , throttled]) =>
      throttled ? [[decisionType, { bucket: 0, refill: 0 }]] : [],
    ),
  ),
  domains: 1,
  types: 1,
  openExecutions: 1,
  pollers: 1,
}

/** What is too much. The domain and the types that are allowed are those of the fixture. */
export function excesses({ swf, start }: Contract): void {
  test.each(FAILURES.filter(([, , , cause]) => cause))(
    '%j over its rate is %s',
    async (decision, type, given, cause) => {
      const run = await start()
      await run.decide(decision)
      expect(await story(run, 5)).toEqual([[type, { ...given, cause }], scheduled(run)])
      await run.terminate()
    },
  )

  test('what is over a limit is LimitExceededFault', async () => {
    const fault = 'LimitExceededFault'
    const type = { domain: DOMAIN, name: unique('T'), version: '1' }
    await refused(swf.registerDomain({ name: 'other', workflowExecutionRetentionPeriodInDays: '1' }), fault)
    await refused(swf.registerActivityType(type), fault)
    await refused(swf.registerWorkflowType(type), fault)
    const run = await start()
    await refused(start(), fault)
    await run.terminate()
    const poll = { domain: DOMAIN, taskList: { name: unique('crowded') } }
    for (const action of ['pollForDecisionTask', 'pollForActivityTask'] as const) {
      const polls = await Promise.allSettled([swf[action](poll), swf[action](poll)])
      const refusals = polls.flatMap(outcome => (outcome.status === 'rejected' ? [outcome.reason as Error] : []))
      expect(refusals.map(({ name }) => name)).toEqual([fault])
    }
  })
}

/** The quotas of the server of `crowding`. */
export const CROWDED = { openExecutions: 1, openLambdaFunctions: 0 }

/** Decisions over a limit of open things. */
export function crowding({ start }: Contract): void {
  test('a child is refused in a full domain, a lambda function in a full execution', async () => {
    const run = await start()
    await run.decide(decide.child('w'), decide.lambda('l'))
    expect(await story(run, 5)).toEqual([
      [
        'StartChildWorkflowExecutionFailed',
        { workflowId: 'w', workflowType, cause: 'OPEN_WORKFLOWS_LIMIT_EXCEEDED', ...unstarted },
      ],
      [
        'ScheduleLambdaFunctionFailed',
        { id: 'l', name: 'f', cause: 'OPEN_LAMBDA_FUNCTIONS_LIMIT_EXCEEDED', ...completed },
      ],
      scheduled(run),
    ])
  })
}

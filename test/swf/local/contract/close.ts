import { expect, test } from 'vitest'
import { DOMAIN, Run, decide, unique } from '../fixture.js'
import type { Contract } from './contract.js'
import { DAY, story } from './contract.js'

export function closes({ swf, clock, start }: Contract): void {
  const decisionTaskCompletedEventId = 4

  test.each([
    ['COMPLETED', decide.complete('r'), 'WorkflowExecutionCompleted', { result: 'r' }],
    ['COMPLETED', decide.complete(), 'WorkflowExecutionCompleted', {}],
    ['FAILED', decide.fail('why', 'more'), 'WorkflowExecutionFailed', { reason: 'why', details: 'more' }],
    ['FAILED', decide.fail(), 'WorkflowExecutionFailed', {}],
    ['CANCELED', decide.cancel('d'), 'WorkflowExecutionCanceled', { details: 'd' }],
    ['CANCELED', decide.cancel(), 'WorkflowExecutionCanceled', {}],
  ] as const)('%s by %j', async (closeStatus, decision, type, given) => {
    const run = await start()
    await run.decide(decide.schedule('a'), decide.timer('t', '1'), decision)
    expect(await story(run, 7)).toEqual([[type, { ...given, decisionTaskCompletedEventId }]])
    expect((await run.describe()).executionInfo).toMatchObject({ executionStatus: 'CLOSED', closeStatus })
  })

  test.each([
    ['CompleteWorkflowExecutionFailed', decide.complete()],
    ['FailWorkflowExecutionFailed', decide.fail()],
    ['CancelWorkflowExecutionFailed', decide.cancel()],
    ['ContinueAsNewWorkflowExecutionFailed', decide.continueAsNew()],
  ])('%s when an event came meanwhile', async (type, decision) => {
    const run = await start()
    const { taskToken } = await run.poll()
    await run.signal()
    await run.respond(taskToken, decision)
    expect(await story(run, 7)).toEqual([[type, { cause: 'UNHANDLED_DECISION', decisionTaskCompletedEventId: 6 }]])
    await run.terminate()
  })

  test('ContinueAsNewWorkflowExecution starts a run with what the decision says, or else the type', async () => {
    const name = unique('Chain')
    const list = unique('type')
    const old = { name, version: '1' }
    await swf.registerWorkflowType({ domain: DOMAIN, ...old })
    await swf.registerWorkflowType({
      domain: DOMAIN,
      name,
      version: '2',
      defaultTaskList: { name: list },
      defaultTaskPriority: '4',
      defaultTaskStartToCloseTimeout: '7',
      defaultExecutionStartToCloseTimeout: '70',
      defaultChildPolicy: 'ABANDON',
      defaultLambdaRole: 'arn:type',
    })
    const given = { executionStartToCloseTimeout: '9', taskStartToCloseTimeout: '9', childPolicy: 'TERMINATE' }
    const run = await start({ workflowType: old, ...given, tagList: ['old'], input: 'old', taskPriority: '9' })
    await run.decide(decide.continueAsNew({ workflowTypeVersion: '2' }))
    const [[, closing]] = (await story(run, 5)) as [[string, { newExecutionRunId: string }]]
    const byType = {
      workflowType: { name, version: '2' },
      taskList: { name: list },
      taskPriority: '4',
      taskStartToCloseTimeout: '7',
      executionStartToCloseTimeout: '70',
      childPolicy: 'ABANDON',
      lambdaRole: 'arn:type',
    }
    const { newExecutionRunId } = closing
    expect(closing).toEqual({ ...byType, newExecutionRunId, decisionTaskCompletedEventId })
    expect((await run.describe()).executionInfo?.closeStatus).toBe('CONTINUED_AS_NEW')
    const next = new Run(swf, run.workflowId, newExecutionRunId, list)
    expect((await story(next))[0]).toEqual([
      'WorkflowExecutionStarted',
      { ...byType, continuedExecutionRunId: run.runId, parentInitiatedEventId: 0 },
    ])
    const own = {
      taskList: { name: unique('own') },
      taskPriority: '-1',
      taskStartToCloseTimeout: 'NONE',
      executionStartToCloseTimeout: 'NONE',
      childPolicy: 'REQUEST_CANCEL',
      lambdaRole: 'arn:own',
      tagList: ['new'],
      input: 'new',
    }
    await next.decide(decide.continueAsNew(own))
    const last = (await story(next, 5))[0]![1] as { newExecutionRunId: string }
    expect(last).toMatchObject({ ...own, workflowType: byType.workflowType })
    const endless = new Run(swf, run.workflowId, last.newExecutionRunId, own.taskList.name)
    // NONE is a year, and no more.
    clock.advance(365 * DAY - 1)
    expect(await endless.types()).toHaveLength(2)
    clock.advance(1)
    expect((await endless.types()).at(-1)).toBe('WorkflowExecutionTimedOut')
  })

  test('ContinueAsNewWorkflowExecution that can not be done has a cause, and the execution stays open', async () => {
    const bare = { name: unique('Bare'), version: '1' }
    const old = { name: bare.name, version: '0' }
    for (const type of [bare, old]) await swf.registerWorkflowType({ domain: DOMAIN, ...type })
    await swf.deprecateWorkflowType({ domain: DOMAIN, workflowType: old })
    const options = { executionStartToCloseTimeout: '9', taskStartToCloseTimeout: '9', childPolicy: 'TERMINATE' }
    const run = await start({ workflowType: bare, ...options })
    const given: Record<string, unknown> = {}
    const attempt = async (more: object = {}) => {
      await run.decide(decide.continueAsNew({ ...given, ...more }))
      const [failed, task] = (await story(run)).slice(-2)
      expect([failed![0], task![0]]).toEqual(['ContinueAsNewWorkflowExecutionFailed', 'DecisionTaskScheduled'])
      return (failed![1] as { cause: string }).cause
    }
    expect(await attempt({ workflowTypeVersion: '9' })).toBe('WORKFLOW_TYPE_DOES_NOT_EXIST')
    expect(await attempt({ workflowTypeVersion: '0' })).toBe('WORKFLOW_TYPE_DEPRECATED')
    for (const [name, value, cause] of [
      ['executionStartToCloseTimeout', '1', 'DEFAULT_EXECUTION_START_TO_CLOSE_TIMEOUT_UNDEFINED'],
      ['taskStartToCloseTimeout', '1', 'DEFAULT_TASK_START_TO_CLOSE_TIMEOUT_UNDEFINED'],
      ['taskList', { name: 'x' }, 'DEFAULT_TASK_LIST_UNDEFINED'],
      ['childPolicy', 'ABANDON', 'DEFAULT_CHILD_POLICY_UNDEFINED'],
    ] as const) {
      expect(await attempt()).toBe(cause)
      given[name] = value
    }
    await run.decide(decide.continueAsNew(given))
    expect((await story(run)).at(-1)![0]).toBe('WorkflowExecutionContinuedAsNew')
  })
}

import { expect, test } from 'vitest'
import { DOMAIN, decide, unique, workflowType } from '../fixture.js'
import type { Contract } from './contract.js'
import { SECOND, refused, reply, scheduled, story } from './contract.js'

export function executions({ swf, clock, start }: Contract): void {
  test('StartWorkflowExecution records what the call says, or else the type', async () => {
    const type = { name: unique('Full'), version: '1' }
    const list = unique('type')
    const defaults = {
      defaultTaskList: { name: list },
      defaultTaskPriority: '3',
      defaultTaskStartToCloseTimeout: 'NONE',
      defaultExecutionStartToCloseTimeout: '31536000',
      defaultChildPolicy: 'REQUEST_CANCEL',
      defaultLambdaRole: 'arn:aws:iam::1:role/type',
    } as const
    await swf.registerWorkflowType({ domain: DOMAIN, ...type, ...defaults })
    const byType = await start({ workflowType: type, taskList: undefined })
    const resolved = {
      workflowType: type,
      taskList: { name: list },
      taskPriority: '3',
      taskStartToCloseTimeout: 'NONE',
      executionStartToCloseTimeout: '31536000',
      childPolicy: 'REQUEST_CANCEL',
      lambdaRole: 'arn:aws:iam::1:role/type',
      parentInitiatedEventId: 0,
    }
    const task = { taskPriority: '3', startToCloseTimeout: 'NONE', scheduleToStartTimeout: 'NONE' }
    expect(await story(byType)).toEqual([
      ['WorkflowExecutionStarted', resolved],
      ['DecisionTaskScheduled', { taskList: { name: list }, ...task }],
    ])
    const own = {
      taskList: { name: unique('own') },
      taskPriority: '-7',
      taskStartToCloseTimeout: '5',
      executionStartToCloseTimeout: '50',
      childPolicy: 'ABANDON',
      lambdaRole: 'arn:aws:iam::1:role/own',
      tagList: ['a', 'b'],
      input: 'in',
    }
    const byCall = await start({ workflowType: type, ...own })
    expect((await story(byCall))[0]).toEqual(['WorkflowExecutionStarted', { ...resolved, ...own }])
    await byCall.terminate()
    await byType.terminate()
  })

  test('a start that can not be done is a fault', async () => {
    const bare = { name: unique('Bare'), version: '1' }
    await swf.registerWorkflowType({ domain: DOMAIN, ...bare })
    const given: Record<string, unknown> = { workflowType: bare, taskList: undefined }
    for (const [name, value] of [
      ['executionStartToCloseTimeout', '1'],
      ['taskStartToCloseTimeout', '1'],
      ['taskList', { name: 'x' }],
      ['childPolicy', 'TERMINATE'],
    ] as const) {
      const missing = `default${name[0]!.toUpperCase()}${name.slice(1)}`
      await refused(start(given), 'DefaultUndefinedFault', missing)
      given[name] = value
    }
    const run = await start(given)
    await refused(start({ workflowId: run.workflowId }), 'WorkflowExecutionAlreadyStartedFault', /^Already Started$/)
    await swf.deprecateWorkflowType({ domain: DOMAIN, workflowType: bare })
    await refused(start(given), 'TypeDeprecatedFault', `WorkflowType=[name=${bare.name}, version=1]`)
    await refused(start({ domain: 'nowhere' }), 'UnknownResourceFault', /^Unknown domain: nowhere$/)
    await swf.deleteWorkflowType({ domain: DOMAIN, workflowType: bare })
    await refused(start(given), 'UnknownResourceFault', `Unknown type: WorkflowType=[name=${bare.name}, version=1]`)
    await refused(
      start({ executionStartToCloseTimeout: 'NONE' }),
      'ValidationException',
      'executionStartToCloseTimeout',
    )
    // It goes on although its type is gone.
    await run.signal()
    await run.terminate()
  })

  test('SignalWorkflowExecution, RequestCancelWorkflowExecution and TerminateWorkflowExecution are events', async () => {
    const run = await start({ childPolicy: 'ABANDON' })
    const { workflowId, runId } = run
    const id = { domain: DOMAIN, workflowId }
    await run.decide()
    expect(await reply(swf.signalWorkflowExecution({ ...id, runId, signalName: 's', input: 'i' }))).toEqual({})
    expect(await reply(swf.requestCancelWorkflowExecution(id))).toEqual({})
    await swf.requestCancelWorkflowExecution({ ...id, runId: '' })
    await swf.signalWorkflowExecution({ ...id, signalName: 'bare' })
    expect((await run.describe()).executionInfo?.cancelRequested).toBe(true)
    await refused(swf.terminateWorkflowExecution({ ...id, runId: 'other' }), 'UnknownResourceFault')
    expect(await reply(swf.terminateWorkflowExecution({ ...id, reason: 'r', details: 'd' }))).toEqual({})
    expect(await story(run, 5)).toEqual([
      ['WorkflowExecutionSignaled', { signalName: 's', input: 'i', externalInitiatedEventId: 0 }],
      scheduled(run),
      ['WorkflowExecutionCancelRequested', { externalInitiatedEventId: 0 }],
      ['WorkflowExecutionCancelRequested', { externalInitiatedEventId: 0 }],
      ['WorkflowExecutionSignaled', { signalName: 'bare', externalInitiatedEventId: 0 }],
      [
        'WorkflowExecutionTerminated',
        { reason: 'r', details: 'd', childPolicy: 'ABANDON', cause: 'OPERATOR_INITIATED' },
      ],
    ])
    const gone = `Unknown execution, workflowId = ${workflowId}`
    await refused(swf.signalWorkflowExecution({ ...id, signalName: 's' }), 'UnknownResourceFault', gone)
    await refused(swf.requestCancelWorkflowExecution(id), 'UnknownResourceFault', gone)
    await refused(swf.terminateWorkflowExecution(id), 'UnknownResourceFault', gone)
  })

  test('an execution times out from its start; the 25,000th event terminates it', async () => {
    const run = await start({ executionStartToCloseTimeout: '60', childPolicy: 'ABANDON' })
    clock.advance(60 * SECOND - 1)
    expect(await run.types()).toHaveLength(2)
    clock.advance(1)
    expect(await story(run, 3)).toEqual([
      ['WorkflowExecutionTimedOut', { timeoutType: 'START_TO_CLOSE', childPolicy: 'ABANDON' }],
    ])
    const endless = await start()
    for (let i = 0; i < 5; i++) {
      const { taskToken } = await endless.poll({ maximumPageSize: 1 })
      await endless.signal()
      await endless.respond(taskToken, ...Array.from({ length: 6_000 }, () => decide.marker('m')))
    }
    const last = await swf.getWorkflowExecutionHistory({
      domain: DOMAIN,
      execution: endless.execution,
      reverseOrder: true,
      maximumPageSize: 1,
    })
    expect(last.events![0]).toMatchObject({
      eventId: 25_000,
      workflowExecutionTerminatedEventAttributes: { childPolicy: 'TERMINATE', cause: 'EVENT_LIMIT_EXCEEDED' },
    })
  })

  test('DescribeWorkflowExecution tells of an open execution, and of a closed one', async () => {
    const startTimestamp = new Date(clock.now())
    const run = await start({ tagList: ['t'], taskPriority: '2', lambdaRole: 'arn:role' })
    const child = unique('child')
    const before = await reply(run.describe())
    const detail = {
      executionInfo: {
        execution: run.execution,
        workflowType,
        startTimestamp,
        executionStatus: 'OPEN',
        tagList: ['t'],
        cancelRequested: false,
      },
      executionConfiguration: {
        taskStartToCloseTimeout: '30',
        executionStartToCloseTimeout: '600',
        taskList: { name: run.list },
        taskPriority: '2',
        childPolicy: 'TERMINATE',
        lambdaRole: 'arn:role',
      },
      openCounts: {
        openActivityTasks: 0,
        openDecisionTasks: 1,
        openTimers: 0,
        openChildWorkflowExecutions: 0,
        openLambdaFunctions: 0,
      },
    }
    expect(before).toEqual(detail)
    clock.advance(SECOND)
    const { taskToken } = await run.poll()
    const decisions = [decide.schedule('a'), decide.timer('t', '9'), decide.timer('u', '9'), decide.child(child)]
    await swf.respondDecisionTaskCompleted({ taskToken, decisions, executionContext: 'context' })
    await run.decide(decide.cancelTimer('u'))
    expect(await reply(run.describe())).toEqual({
      ...detail,
      openCounts: {
        ...detail.openCounts,
        openActivityTasks: 1,
        openDecisionTasks: 0,
        openTimers: 1,
        openChildWorkflowExecutions: 1,
      },
      latestActivityTaskTimestamp: new Date(startTimestamp.getTime() + SECOND),
      latestExecutionContext: 'context',
    })
    await swf.requestCancelWorkflowExecution({ domain: DOMAIN, workflowId: run.workflowId })
    clock.advance(SECOND)
    await run.terminate()
    expect(await run.describe()).toMatchObject({
      executionInfo: {
        ...detail.executionInfo,
        executionStatus: 'CLOSED',
        closeStatus: 'TERMINATED',
        closeTimestamp: new Date(startTimestamp.getTime() + 2 * SECOND),
        cancelRequested: false,
      },
      executionConfiguration: detail.executionConfiguration,
      latestExecutionContext: 'context',
    })
    const missing = { workflowId: run.workflowId, runId: 'r' }
    await refused(
      swf.describeWorkflowExecution({ domain: DOMAIN, execution: missing }),
      'UnknownResourceFault',
      `Unknown execution: WorkflowExecution=[workflowId=${run.workflowId}, runId=r]`,
    )
    await refused(swf.getWorkflowExecutionHistory({ domain: DOMAIN, execution: missing }), 'UnknownResourceFault')
  })
}

import { expect, test } from 'vitest'
import { DOMAIN, Run, decide, unique, workflowType } from '../fixture.js'
import type { Contract } from './contract.js'
import { SECOND, scheduled, story } from './contract.js'

export function children({ swf, clock, start }: Contract): void {
  const decisionTaskCompletedEventId = 4

  /** Starts a child from the decision task that waits; returns it, and what its parent's history says of it. */
  const childOf = async (parent: Run, given: object = {}) => {
    const workflowId = unique('child')
    const taskList = { name: unique('children') }
    await parent.decide(decide.child(workflowId, { taskList, ...given }))
    const events = await story(parent)
    const [, event] = events.findLast(([type]) => type === 'ChildWorkflowExecutionStarted')!
    const { runId } = (event as { workflowExecution: { runId: string } }).workflowExecution
    return new Run(swf, workflowId, runId, taskList.name)
  }
  const family = async (given: object = {}, options: object = {}) => {
    const parent = await start(options)
    return { parent, child: await childOf(parent, given) }
  }

  test('StartChildWorkflowExecution is initiated in its batch, with the resolved options, and started after it', async () => {
    const own = {
      taskPriority: '5',
      taskStartToCloseTimeout: '8',
      executionStartToCloseTimeout: 'NONE',
      childPolicy: 'REQUEST_CANCEL',
      lambdaRole: 'arn:own',
      tagList: ['t'],
      input: 'i',
    }
    const { parent, child } = await family({ ...own, control: 'c' })
    const taskList = { name: child.list }
    expect(await story(parent, 5)).toEqual([
      [
        'StartChildWorkflowExecutionInitiated',
        { workflowId: child.workflowId, workflowType, control: 'c', taskList, ...own, decisionTaskCompletedEventId },
      ],
      ['ChildWorkflowExecutionStarted', { workflowExecution: child.execution, workflowType, initiatedEventId: 5 }],
      scheduled(parent),
    ])
    const origin = { parentWorkflowExecution: parent.execution, parentInitiatedEventId: 5 }
    expect((await story(child))[0]).toEqual(['WorkflowExecutionStarted', { workflowType, taskList, ...own, ...origin }])
    await parent.decide(decide.child(unique('child')))
    expect((await story(parent, 10))[0]![1]).toMatchObject({
      taskList: { name: 'orders' },
      executionStartToCloseTimeout: '600',
      taskStartToCloseTimeout: '30',
      childPolicy: 'TERMINATE',
    })
    await parent.terminate()
  })

  test.each([
    ['ChildWorkflowExecutionCompleted', (child: Run) => child.decide(decide.complete('r')), { result: 'r' }],
    [
      'ChildWorkflowExecutionFailed',
      (child: Run) => child.decide(decide.fail('w', 'd')),
      { reason: 'w', details: 'd' },
    ],
    ['ChildWorkflowExecutionCanceled', (child: Run) => child.decide(decide.cancel('d')), { details: 'd' }],
    ['ChildWorkflowExecutionTerminated', (child: Run) => child.terminate(), {}],
    ['ChildWorkflowExecutionTimedOut', () => clock.advance(9 * SECOND), { timeoutType: 'START_TO_CLOSE' }],
  ] as const)('%s is told to the parent', async (type, close, given) => {
    const { parent, child } = await family({ executionStartToCloseTimeout: '9' })
    await parent.decide()
    await close(child)
    const told = { workflowExecution: child.execution, workflowType, initiatedEventId: 5, startedEventId: 6 }
    expect(await story(parent, 10)).toEqual([[type, { ...told, ...given }], scheduled(parent)])
    await parent.terminate()
  })

  test('a child that continues as new stays a child: its last run is told, with the ids of its first', async () => {
    const { parent, child } = await family()
    await parent.decide()
    await child.decide(decide.continueAsNew({ taskList: { name: child.list } }))
    expect(await parent.types()).toHaveLength(9)
    const { newExecutionRunId } = (await story(child)).at(-1)![1] as { newExecutionRunId: string }
    const next = new Run(swf, child.workflowId, newExecutionRunId, child.list)
    expect((await next.describe()).executionInfo?.parent).toEqual(parent.execution)
    await next.decide(decide.complete())
    const told = { workflowExecution: next.execution, workflowType, initiatedEventId: 5, startedEventId: 6 }
    expect((await story(parent, 10))[0]).toEqual(['ChildWorkflowExecutionCompleted', told])
  })

  test('StartChildWorkflowExecution that can not be done has a cause; only of a running id it was initiated', async () => {
    const bare = { name: unique('Bare'), version: '1' }
    const old = { name: unique('Old'), version: '1' }
    const none = { name: 'None', version: '1' }
    for (const type of [bare, old]) await swf.registerWorkflowType({ domain: DOMAIN, ...type })
    await swf.deprecateWorkflowType({ domain: DOMAIN, workflowType: old })
    const run = await start()
    const workflowId = unique('child')
    const given: Record<string, unknown> = { workflowType: bare }
    const climb = (
      [
        ['executionStartToCloseTimeout', '9'],
        ['taskStartToCloseTimeout', '9'],
        ['taskList', { name: 'x' }],
        ['childPolicy', 'ABANDON'],
      ] as const
    ).map(([name, value]) => {
      const decision = decide.child(workflowId, { ...given })
      given[name] = value
      return decision
    })
    await run.decide(
      decide.child(workflowId, { workflowType: none, control: 'c' }),
      decide.child(workflowId, { workflowType: old }),
      ...climb,
      decide.child(run.workflowId, { control: 'c' }),
    )
    const failed = (type: object, cause: string, more: object = {}) => [
      'StartChildWorkflowExecutionFailed',
      { workflowType: type, cause, workflowId, initiatedEventId: 0, decisionTaskCompletedEventId, ...more },
    ]
    const events = await story(run, 5)
    expect(events.filter(([type]) => type !== 'StartChildWorkflowExecutionInitiated')).toEqual([
      failed(none, 'WORKFLOW_TYPE_DOES_NOT_EXIST', { control: 'c' }),
      failed(old, 'WORKFLOW_TYPE_DEPRECATED'),
      failed(bare, 'DEFAULT_EXECUTION_START_TO_CLOSE_TIMEOUT_UNDEFINED'),
      failed(bare, 'DEFAULT_TASK_START_TO_CLOSE_TIMEOUT_UNDEFINED'),
      failed(bare, 'DEFAULT_TASK_LIST_UNDEFINED'),
      failed(bare, 'DEFAULT_CHILD_POLICY_UNDEFINED'),
      scheduled(run),
      failed(workflowType, 'WORKFLOW_ALREADY_RUNNING', {
        workflowId: run.workflowId,
        initiatedEventId: 11,
        control: 'c',
      }),
    ])
    await run.terminate()
  })

  test('a parent that is terminated or times out applies its child policy, generation by generation', async () => {
    for (const [policy, end] of [
      ['TERMINATE', (parent: Run) => parent.terminate()],
      ['TERMINATE', () => clock.advance(9 * SECOND)],
      ['REQUEST_CANCEL', () => clock.advance(9 * SECOND)],
      ['ABANDON', (parent: Run) => parent.terminate()],
    ] as const) {
      const options = { childPolicy: policy, executionStartToCloseTimeout: '9' }
      const { parent, child } = await family({ childPolicy: 'REQUEST_CANCEL' }, options)
      const grandchild = await childOf(child)
      const before = [await child.types(), await grandchild.types()].map(({ length }) => length)
      await end(parent)
      const after = [await story(child, before[0]! + 1), await story(grandchild, before[1]! + 1)]
      const asked = (by: Run) => [
        'WorkflowExecutionCancelRequested',
        { externalWorkflowExecution: by.execution, externalInitiatedEventId: 0, cause: 'CHILD_POLICY_APPLIED' },
      ]
      const dead = ['WorkflowExecutionTerminated', { childPolicy: 'REQUEST_CANCEL', cause: 'CHILD_POLICY_APPLIED' }]
      expect(after).toEqual(
        {
          TERMINATE: [[dead], [asked(child)]],
          REQUEST_CANCEL: [[asked(parent)], []],
          ABANDON: [[], []],
        }[policy],
      )
      expect((await parent.types()).filter(type => /^ChildWorkflowExecution(?!Started)/.test(type))).toEqual([])
    }
  })

  test('the policy of the call overrides the policy of the execution', async () => {
    const { parent, child } = await family()
    await swf.terminateWorkflowExecution({ domain: DOMAIN, workflowId: parent.workflowId, childPolicy: 'ABANDON' })
    expect((await story(parent)).at(-1)).toEqual([
      'WorkflowExecutionTerminated',
      { childPolicy: 'ABANDON', cause: 'OPERATOR_INITIATED' },
    ])
    expect(await child.types()).toHaveLength(2)
    await child.terminate()
  })
}

import { describe, expect, test } from 'vitest'
import { decisionAttributes } from '../../src/swf/decision.js'
import { decodeFailure, encodeFailure } from '../../src/swf/failure.js'
import {
  cancelExternal,
  ChildWorkflowExecutionFailed,
  defineActivity,
  defineSignal,
  defineWorkflow,
  executeChild,
  signalExternal,
  SignalExternalWorkflowExecutionFailed,
  sleep,
  startChild,
  withTimeout,
  type ChildWorkflowOptions,
} from '../../src/workflow/index.js'
import { Run } from '../../src/workflow/replay/replay.js'
import { ActivityFailure, implement } from '../../src/testing/index.js'
import { brief, EXECUTION, Story } from '../support/given.js'
import { lived } from '../support/lived.js'
import { until } from '../support/until.js'

const delivery = defineWorkflow(
  'Delivery',
  '1',
  { taskList: 'deliveries', executionStartToClose: '2h' },
  async ({ orderId }: { orderId: string }) => ({ parcel: orderId }),
)
const cleanUp = defineActivity<string, string>('CleanUp', '1')
const hurry = defineSignal<{ by: string }>('hurry')
const workflow = (run: () => Promise<unknown>) => defineWorkflow('W', '1', {}, run)
const execute = (options: ChildWorkflowOptions = {}) =>
  workflow(() => executeChild(delivery, { orderId: 'o1' }, options))

describe('a child', () => {
  test('is started with every option explicit, and the parent goes on with its result', async () => {
    const story = new Story(execute())
    const [decision] = await story.go()
    expect(decision).toEqual({
      decisionType: 'StartChildWorkflowExecution',
      startChildWorkflowExecutionDecisionAttributes: {
        workflowId: expect.stringMatching(/^order-1\.[0-9a-f]{16}\.1$/) as string,
        workflowType: { name: 'Delivery', version: '1' },
        input: '{"orderId":"o1"}',
        taskList: { name: 'deliveries' },
        executionStartToCloseTimeout: '7200',
        taskStartToCloseTimeout: '30',
        childPolicy: 'TERMINATE',
        taskPriority: '0',
        tagList: [],
      },
    })
    expect(await story.childStarts('Delivery').go()).toEqual([])
    const [close] = await story.childCloses('Delivery', 'Completed', { result: '{"parcel":"p"}' }).go()
    expect(decisionAttributes(close!).result).toBe('{"parcel":"p"}')
    story.check()
  })

  test('takes what it is given, and an id of its own making fits into 256 characters', async () => {
    const story = new Story(
      execute({
        workflowId: 'mine',
        taskList: 'fast',
        executionStartToClose: '1m',
        taskStartToClose: '5s',
        childPolicy: 'REQUEST_CANCEL',
        tagList: ['a'],
        taskPriority: 7,
      }),
    )
    const [decision] = await story.go()
    expect(decisionAttributes(decision!)).toMatchObject({
      workflowId: 'mine',
      taskList: { name: 'fast' },
      executionStartToCloseTimeout: '60',
      taskStartToCloseTimeout: '5',
      childPolicy: 'REQUEST_CANCEL',
      tagList: ['a'],
      taskPriority: '7',
    })
    const { replay } = await import('../../src/workflow/replay/replay.js')
    const execution = { ...EXECUTION, workflowId: `${'w'.repeat(235)}😀${'w'.repeat(19)}` }
    const events = new Story(execute()).start().events
    const turn = await replay(execute(), { execution, events })
    const { workflowId } = decisionAttributes((turn as Extract<typeof turn, { kind: 'decided' }>).decisions[0]!) as {
      workflowId: string
    }
    expect(workflowId.length).toBeLessThanOrEqual(256)
    expect(() => encodeURIComponent(workflowId)).not.toThrow()
  })

  test('is a handle once it is started: it is signaled by workflowId, whichever of its runs is open', async () => {
    const story = new Story(
      workflow(async () => {
        const child = await startChild(delivery, { orderId: 'o1' }, { workflowId: 'd1' })
        await child.signal(hurry, { by: 'me' })
        return [child.workflowId, child.runId, await child.result()]
      }),
    )
    await story.go()
    expect(brief(await story.childStarts('d1').go())).toEqual(['SignalExternalWorkflowExecution d1 hurry'])
    expect(await story.reaches('Signaled', 'd1').go()).toEqual([])
    const [close] = await story.childCloses('d1', 'Completed', { result: '1' }).go()
    expect(decisionAttributes(close!).result).toBe('["d1","run-of-d1",1]')
    story.check()
  })

  test.each([
    ['TimedOut', { timeoutType: 'START_TO_CLOSE' }, 'START_TO_CLOSE', 'CHILD_WORKFLOW_EXECUTION_TIMED_OUT'],
    ['Canceled', {}, 'Canceled', 'CHILD_WORKFLOW_EXECUTION_CANCELED'],
    ['Terminated', {}, 'Terminated', 'CHILD_WORKFLOW_EXECUTION_TERMINATED'],
    ['Failed', { reason: 'Lost' }, 'Lost', 'CHILD_WORKFLOW_EXECUTION_FAILED'],
  ] as const)('that closes as %s is a failure that says so', async (how, attributes, reason, code) => {
    const story = new Story(execute({ workflowId: 'd1' }))
    await story.go()
    await story.childStarts('d1').go()
    const [close] = await story.childCloses('d1', how, attributes).go()
    expect(brief([close!])).toEqual([`FailWorkflowExecution ${reason}`])
    expect(decodeFailure('', undefined, decisionAttributes(close!).details as string)).toMatchObject({
      code,
      type: 'Delivery',
      details: { workflowId: 'd1', runId: 'run-of-d1' },
    })
  })

  test('hands the causes of its failure on, through any number of executions', async () => {
    const story = new Story(execute({ workflowId: 'd1' }))
    await story.go()
    await story.childStarts('d1').go()
    const details = encodeFailure({
      code: 'CHILD_WORKFLOW_EXECUTION_FAILED',
      reason: 'Lost',
      cause: { code: 'ACTIVITY_TASK_FAILED', reason: 'Lost', message: 'no truck came', type: 'Drive' },
    })
    const [close] = await story.childCloses('d1', 'Failed', { reason: 'Lost', details }).go()
    const chain = decodeFailure('', undefined, decisionAttributes(close!).details as string)
    expect(chain.cause?.cause).toEqual(
      expect.objectContaining({ code: 'ACTIVITY_TASK_FAILED', message: 'no truck came' }),
    )
  })

  test.each([
    ['before it is recorded', 'WORKFLOW_TYPE_DOES_NOT_EXIST'],
    ['after it is recorded', 'WORKFLOW_ALREADY_RUNNING'],
  ])("that SWF does not start (%s) fails with SWF's cause", async (when, cause) => {
    const story = new Story(execute())
    if (when.startsWith('before')) await story.go(() => cause)
    else {
      await story.go()
      story.childFails('Delivery', 'WORKFLOW_ALREADY_RUNNING')
    }
    expect(brief(await story.go())).toEqual([`FailWorkflowExecution ${cause}`])
  })

  test('that SWF cannot start for its limits is asked for again after a while', async () => {
    const story = new Story(execute({ workflowId: 'd1' }))
    await story.go(() => 'CHILD_CREATION_RATE_EXCEEDED')
    expect(brief(await story.go())).toEqual([expect.stringMatching(/^StartTimer 1\.child\.limit\.\d+ 2s$/)])
    expect(brief(await story.fire(/limit/).go())).toEqual(['StartChildWorkflowExecution Delivery d1'])
    await story.childStarts('d1').go()
    expect(brief(await story.childCloses('d1', 'Completed').go())).toEqual(['CompleteWorkflowExecution'])
  })

  test('whose input its workflow refuses is not started', async () => {
    const huge = workflow(() => executeChild(delivery, { orderId: 'x'.repeat(40_000) }))
    expect(brief(await new Story(huge).go())).toEqual(['FailWorkflowExecution PAYLOAD_TOO_LARGE'])
  })
})

describe('a child with a retry policy', () => {
  const retry = { maximumAttempts: 3, jitter: 0, nonRetryable: ['Lost'] }
  const tried = () => new Story(execute({ workflowId: 'd1', retry }))
  const fails = (story: Story, reason: string) =>
    story.childCloses('d1', 'Failed', { reason, details: encodeFailure({ code: 'WORKFLOW_EXECUTION_FAILED', reason }) })

  test('is started again under its workflowId when it has failed, after its wait', async () => {
    const story = tried()
    expect(decisionAttributes((await story.go())[0]!).control).toContain('"maximumAttempts":3')
    await story.childStarts('d1').go()
    expect(brief(await fails(story, 'Storm').go())).toEqual(['StartTimer 1.1.retry 1s'])
    const again = await story.fire('1.1.retry').go()
    expect(brief(again)).toEqual(['StartChildWorkflowExecution Delivery d1'])
    expect(decisionAttributes(again[0]!)).not.toHaveProperty('control')
    await story.childStarts('d1').go()
    const [close] = await story.childCloses('d1', 'Completed', { result: '{"parcel":"p1"}' }).go()
    expect(decisionAttributes(close!)).toEqual({ result: '{"parcel":"p1"}' })
    story.check()
  })

  test('fails for good with the number of its tries, and a time-out tells how the try before it failed', async () => {
    const story = tried()
    await story.go()
    await fails(story.childStarts('d1'), 'Storm').go()
    await story.fire('1.1.retry').go()
    await fails(story.childStarts('d1'), 'Flood').go()
    await story.fire('1.2.retry').go()
    const [close] = await story.childStarts('d1').childCloses('d1', 'TimedOut', { timeoutType: 'START_TO_CLOSE' }).go()
    const { reason, details } = decisionAttributes(close!) as { reason: string; details: string }
    expect(decodeFailure('', reason, details)).toMatchObject({
      code: 'CHILD_WORKFLOW_EXECUTION_TIMED_OUT',
      attempts: 3,
      cause: { code: 'CHILD_WORKFLOW_EXECUTION_FAILED', reason: 'Flood' },
    })
  })

  test('is not tried again for a reason that it names, or when it was terminated', async () => {
    const lost = tried()
    await lost.go()
    expect(brief(await fails(lost.childStarts('d1'), 'Lost').go())).toEqual(['FailWorkflowExecution Lost'])
    const terminated = tried()
    await terminated.go()
    expect(brief(await terminated.childStarts('d1').childCloses('d1', 'Terminated').go())).toEqual([
      'FailWorkflowExecution Terminated',
    ])
  })

  test('is canceled between two tries', async () => {
    const story = tried()
    await story.go()
    await fails(story.childStarts('d1'), 'Storm').go()
    expect(brief(await story.requestCancel().go())).toEqual(['CancelTimer 1.1.retry', 'CancelWorkflowExecution'])
  })

  test('has the policy that it was started with, whatever the code says now', async () => {
    const story = tried()
    await story.go()
    await fails(story.childStarts('d1'), 'Storm').go()
    const impatient = execute({ workflowId: 'd1', retry: { ...retry, maximumAttempts: 1, initialInterval: '1h' } })
    const turn = await new Run(impatient, EXECUTION).advance(story.fire('1.1.retry').start().events)
    expect(turn).toMatchObject({ decisions: [{ decisionType: 'StartChildWorkflowExecution' }] })
  })

  test('live', async () => {
    let tries = 0
    const pack = defineActivity<void, string>('Pack', '1', { retry: { maximumAttempts: 1 } })
    const child = defineWorkflow('Child', '1', {}, async () => pack())
    const parent = defineWorkflow('Parent', '1', {}, async () => {
      const handle = await startChild(child, undefined, { retry })
      const first = handle.runId
      return [await handle.result(), handle.runId !== first]
    })
    const handlers = [
      implement(pack, async () => {
        if (++tries % 3 !== 0) throw new ActivityFailure('Busy')
        return 'packed'
      }),
    ]
    const result = await lived(parent, execution => execution.result(), { workflows: [child], handlers })
    expect(result).toEqual(['packed', true])
  })
})

describe('a cancel of the parent', () => {
  test('is passed on to the child that it waits for, and waits for how that ends', async () => {
    const story = new Story(execute({ workflowId: 'd1' }))
    await story.go()
    await story.childStarts('d1').go()
    expect(brief(await story.requestCancel().go())).toEqual(['RequestCancelExternalWorkflowExecution d1'])
    expect(await story.reaches('CancelRequested', 'd1').go()).toEqual([])
    expect(brief(await story.childCloses('d1', 'Canceled').go())).toEqual(['CancelWorkflowExecution'])
    story.check()
  })

  test('waits until SWF has started the child', async () => {
    const story = new Story(execute({ workflowId: 'd1' }))
    await story.go()
    expect(await story.requestCancel().go()).toEqual([])
    expect(brief(await story.childStarts('d1').go())).toEqual(['RequestCancelExternalWorkflowExecution d1'])
  })

  test('leaves a child alone whose end comes first', async () => {
    const story = new Story(execute({ workflowId: 'd1' }))
    await story.go()
    await story.childStarts('d1').go()
    await story.requestCancel().go()
    story.misses('CancelRequested', 'd1')
    expect(brief(await story.childCloses('d1', 'Completed', { result: '1' }).go())).toEqual([
      'CompleteWorkflowExecution',
    ])
  })

  test('does not reach a child that is abandoned, and does not wait for it', async () => {
    const story = new Story(execute({ workflowId: 'd1', abandoned: true }))
    await story.go()
    await story.childStarts('d1').go()
    expect(brief(await story.requestCancel().go())).toEqual(['CancelWorkflowExecution'])
  })

  const heir = defineWorkflow('Heir', '1', { childPolicy: 'ABANDON' }, async () => {})
  test.each<[string, () => Promise<unknown>]>([
    ['its contract', () => executeChild(heir, undefined, { workflowId: 'd1' })],
    ['its start', () => executeChild(delivery, { orderId: 'o1' }, { workflowId: 'd1', childPolicy: 'ABANDON' })],
  ])('reaches a child that abandons its own children, by %s', async (_what, run) => {
    const story = new Story(workflow(run))
    const [start] = await story.go()
    expect(decisionAttributes(start!)).toMatchObject({ childPolicy: 'ABANDON' })
    await story.childStarts('d1').go()
    expect(brief(await story.requestCancel().go())).toEqual(['RequestCancelExternalWorkflowExecution d1'])
  })

  test('does not reach one that was started when its policy meant that, in a replay either', async () => {
    const story = new Story(execute({ workflowId: 'd1', childPolicy: 'ABANDON' }))
    const started = await story.decide()
    const before = (started.kind === 'decided' ? started.decisions : []).map(decision => {
      const { control, ...attributes } = decisionAttributes(decision)
      expect(control).toBe('{"swf-gateway":1,"abandoned":false}')
      return { ...decision, startChildWorkflowExecutionDecisionAttributes: attributes } as never
    })
    story.accept(before)
    await story.childStarts('d1').go()
    expect(brief(await story.requestCancel().go())).toEqual(['CancelWorkflowExecution'])
  })

  test.each([
    { abandoned: true, ends: 'OPEN' },
    { abandoned: false, ends: 'CANCELED' },
  ])('live, a child that is abandoned ($abandoned) is $ends', async ({ abandoned, ends }) => {
    const child = defineWorkflow('Child', '1', { childPolicy: 'ABANDON' }, async () => sleep('1h'))
    const parent = defineWorkflow('Parent', '1', {}, async () =>
      executeChild(child, undefined, { workflowId: 'the-child', abandoned }),
    )
    const told = await lived(
      parent,
      async (execution, env) => {
        const open = () =>
          env.swf.countOpenWorkflowExecutions({
            domain: env.domain,
            startTimeFilter: { oldestDate: new Date(0) },
            executionFilter: { workflowId: 'the-child' },
          })
        await until(async () => (await open()).count === 1, { what: 'the child is started' })
        await execution.requestCancel()
        await until(async () => (await execution.status()) !== 'OPEN', { what: 'the parent closes' })
        const { count } = await open()
        return [await execution.status(), count === 1 ? 'OPEN' : 'CANCELED']
      },
      { workflows: [child] },
    )
    expect(told).toEqual(['CANCELED', ends])
  })

  test('does not reach a child that is shielded, and waits for it', async () => {
    const story = new Story(execute({ workflowId: 'd1', shielded: true }))
    await story.go()
    await story.childStarts('d1').go()
    expect(await story.requestCancel().go()).toEqual([])
    expect(brief(await story.childCloses('d1', 'Completed').go())).toEqual(['CompleteWorkflowExecution'])
  })

  test('hides no failure of the child', async () => {
    const story = new Story(
      workflow(async () => {
        try {
          return await executeChild(delivery, { orderId: 'o1' }, { workflowId: 'd1' })
        } catch (error) {
          return error instanceof ChildWorkflowExecutionFailed && cleanUp(error.reason, { shielded: true })
        }
      }),
    )
    await story.go()
    await story.childStarts('d1').go()
    await story.requestCancel().go()
    expect(brief(await story.childCloses('d1', 'Failed', { reason: 'Lost' }).go())).toEqual([
      'ScheduleActivityTask CleanUp 2.1',
    ])
  })
})

test('withTimeout gives up on a child, and cancels it', async () => {
  const story = new Story(
    workflow(() => withTimeout('1m', executeChild(delivery, { orderId: 'o1' }, { workflowId: 'd1' }))),
  )
  await story.go()
  await story.childStarts('d1').go()
  expect(brief(await story.fire(/sleep/).go())).toEqual([
    'RequestCancelExternalWorkflowExecution d1',
    'FailWorkflowExecution TimeoutExpired',
  ])
})

describe('other executions', () => {
  test('are signaled and asked to cancel, one run or the open one', async () => {
    const story = new Story(
      workflow(async () => {
        await signalExternal({ workflowId: 'a' }, hurry, { by: 'me' })
        await cancelExternal({ workflowId: 'b', runId: 'r' })
      }),
    )
    expect(brief(await story.go())).toEqual(['SignalExternalWorkflowExecution a hurry'])
    expect(brief(await story.reaches('Signaled', 'a').go())).toEqual(['RequestCancelExternalWorkflowExecution b r'])
    expect(brief(await story.reaches('CancelRequested', 'b').go())).toEqual(['CompleteWorkflowExecution'])
    story.check()
  })

  test('that are not there are a failure to catch', async () => {
    const story = new Story(
      workflow(async () => {
        try {
          await signalExternal({ workflowId: 'a' }, hurry, { by: 'me' })
        } catch (error) {
          if (!(error instanceof SignalExternalWorkflowExecutionFailed)) throw error
          await cancelExternal({ workflowId: 'b' })
        }
      }),
    )
    await story.go()
    await story.misses('Signaled', 'a').go()
    const [close] = await story.misses('CancelRequested', 'b').go()
    expect(decodeFailure('', undefined, decisionAttributes(close!).details as string)).toMatchObject({
      code: 'REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED',
      reason: 'UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION',
      details: { workflowId: 'b' },
    })
    story.check()
  })

  test('that SWF has no time for are asked again', async () => {
    const story = new Story(workflow(() => signalExternal({ workflowId: 'a' }, hurry, { by: 'me' })))
    await story.go()
    story.misses('Signaled', 'a', 'SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_RATE_EXCEEDED')
    expect(brief(await story.go())).toEqual([expect.stringMatching(/^StartTimer 1\.signal\.limit/)])
    expect(brief(await story.fire(/limit/).go())).toEqual(['SignalExternalWorkflowExecution a hurry'])
  })
})

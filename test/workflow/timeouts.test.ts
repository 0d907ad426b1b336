// Time-outs that are asked for where something is waited for, and those of one call of an activity.

import { describe, expect, test } from 'vitest'
import { decisionAttributes } from '../../src/swf/decision.js'
import {
  condition,
  defineActivity,
  defineSignal,
  defineWorkflow,
  now,
  race,
  sleep,
  withTimeout,
  type ActivityCallOptions,
} from '../../src/workflow/index.js'
import { brief, Story } from '../support/given.js'
import { lived } from '../support/lived.js'

const approved = defineSignal<string>('approved')
const resultOf = (story: Story) =>
  story.turn.kind === 'decided' &&
  (JSON.parse(String(decisionAttributes(story.turn.decisions.at(-1)!).result)) as unknown)

describe('signal.receive with a timeout', () => {
  const loop = defineWorkflow('Loop', '1', { executionStartToClose: '7d' }, async () => {
    const got: unknown[] = []
    while (got.length < 3) got.push((await approved.receive({ timeout: '1d' })) ?? 'nobody')
    return got
  })

  test('resolves to the signal, or to undefined when none has come; none is lost to a wait that is over', async () => {
    const story = new Story(loop)
    expect(brief(await story.go())).toEqual(['StartTimer 1.sleep 86400s'])
    expect(brief(await story.fire('1.sleep').go())).toEqual(['StartTimer 2.sleep 86400s'])
    expect(brief(await story.signal('approved', 'ada').go())).toEqual([
      'CancelTimer 2.sleep',
      'StartTimer 3.sleep 86400s',
    ])
    expect(brief(await story.signal('approved', 'bob').go())).toEqual([
      'CancelTimer 3.sleep',
      'CompleteWorkflowExecution',
    ])
    expect(resultOf(story)).toEqual(['nobody', 'ada', 'bob'])
  })

  test('starts no timer for one that is there already', async () => {
    const told = await lived(loop, async (execution, env) => {
      await env.advance('25h')
      await execution.signal(approved, 'ada')
      await execution.signal(approved, 'bob')
      return execution.result()
    })
    expect(told).toEqual(['nobody', 'ada', 'bob'])
  })

  test('is canceled with its scope', async () => {
    const story = new Story(loop)
    await story.go()
    expect(brief(await story.requestCancel().go())).toEqual(['CancelTimer 1.sleep', 'CancelWorkflowExecution'])
  })

  test('is canceled by withTimeout, and by a race that it has lost', async () => {
    const program = defineWorkflow('Program', '1', {}, async () => {
      await withTimeout('1h', approved.receive({ timeout: '1d' })).catch(() => {})
      await race([() => approved.receive({ timeout: '1d' }), () => sleep('1h')])
      return approved.receive()
    })
    const told = await lived(program, async (execution, env) => {
      await env.advance('3h')
      await execution.signal(approved, 'ada')
      return execution.result()
    })
    expect(told).toBe('ada')
  })
})

describe('condition with a timeout', () => {
  const program = defineWorkflow('Program', '1', {}, async () => {
    let by: string | undefined
    approved.handle(value => {
      by = value
    })
    const began = now()
    return [
      await condition(() => true, { timeout: '1h' }),
      await condition(() => by !== undefined, { timeout: '1h' }),
      await condition(() => by !== undefined, { timeout: '1h' }),
      await condition(() => now() - began >= 3 * 3_600_000, { timeout: '1h' }),
      by,
    ]
  })

  test('resolves to whether it has come to hold in time', async () => {
    const story = new Story(program)
    expect(brief(await story.go())).toEqual(['StartTimer 1.sleep 3600s'])
    expect(brief(await story.fire('1.sleep').go())).toEqual(['StartTimer 2.sleep 3600s'])
    await story.pass(3_600_000).signal('approved', 'ada').go()
    await story.fire(/sleep/).go()
    expect(resultOf(story)).toEqual([true, false, true, true, 'ada'])
  })

  test('live', async () => {
    const told = await lived(program, async (execution, env) => {
      await env.advance('90m')
      await execution.signal(approved, 'ada')
      return execution.result()
    })
    expect(told.slice(0, 3)).toEqual([true, false, true])
  })
})

describe('a call of an activity', () => {
  const charge = defineActivity<string, void>('Charge', '1', { startToClose: '30s', heartbeat: '10s' })
  const schedules = async (options: ActivityCallOptions) => {
    const [decision] = await new Story(defineWorkflow('W', '1', {}, async () => charge('ada', options))).go()
    return decisionAttributes(decision!)
  }

  test('has the time-outs that it is given, and the contract has the others', async () => {
    const given = { startToClose: '2h', scheduleToStart: '1m', heartbeat: 'NONE', taskList: undefined }
    expect(await schedules(given as unknown as ActivityCallOptions)).toMatchObject({
      startToCloseTimeout: '7200',
      scheduleToStartTimeout: '60',
      scheduleToCloseTimeout: 'NONE',
      heartbeatTimeout: 'NONE',
      taskList: { name: 'activities' },
    })
    expect(await schedules({ scheduleToClose: '1h' })).toMatchObject({
      startToCloseTimeout: '30',
      scheduleToCloseTimeout: '3600',
      heartbeatTimeout: '10',
    })
  })

  test('with a time-out that makes no sense is a mistake at its line', async () => {
    const story = new Story(defineWorkflow('W', '1', {}, async () => charge('ada', { startToClose: '-1s' })))
    expect(await story.decide()).toMatchObject({
      stuck: { reason: expect.stringContaining('startToClose of Charge: "-1s" is not a duration') as string },
    })
  })
})

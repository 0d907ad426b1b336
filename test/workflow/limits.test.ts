import { describe, expect, test } from 'vitest'
import { decisionAttributes } from '../../src/swf/decision.js'
import {
  defineActivity,
  defineWorkflow,
  executeChild,
  map,
  scope,
  defineSignal,
  signalExternal,
  sleep,
} from '../../src/workflow/index.js'
import { replay } from '../../src/workflow/replay/replay.js'
import { brief, EXECUTION, Story } from '../support/given.js'

const work = defineActivity<unknown, unknown>('Work', '1', { retry: { maximumAttempts: 1 } })
const child = defineWorkflow('Child', '1', {}, async () => 1)
const note = defineSignal<string>('note')
const stop = defineSignal('stop')
const workflow = (run: () => Promise<unknown>) => defineWorkflow('W', '1', {}, run)
const times = (n: number) => Array.from({ length: n }, (_, index) => index)

describe('of what SWF lets be open', () => {
  test('no more activities are scheduled; the others wait their turn', async () => {
    const story = new Story(workflow(() => Promise.all(times(1_003).map(n => work(n)))))
    expect(await story.go()).toHaveLength(1_000)
    expect(brief(await story.complete('500.1').complete('7.1').go())).toEqual([
      'ScheduleActivityTask Work 1001.1',
      'ScheduleActivityTask Work 1002.1',
    ])
    expect(brief(await story.fail('1.1', 'Broken').go())).toEqual([
      'ScheduleActivityTask Work 1003.1',
      'FailWorkflowExecution Broken',
    ])
  })

  test('no more timers are started, and some are left for parking; a canceled one makes room at once', async () => {
    const story = new Story(
      workflow(async () => {
        const first = scope(async s => {
          stop.handle(() => s.cancel())
          await sleep('1d')
        }).catch(() => {})
        await Promise.all([first, ...times(991).map(() => sleep('1h'))])
      }),
    )
    expect(await story.go()).toHaveLength(990)
    expect(brief(await story.signal('stop').go())).toEqual(['CancelTimer 1.sleep', 'StartTimer 991.sleep 3600s'])
    expect(brief(await story.fire('2.sleep').go())).toEqual(['StartTimer 992.sleep 3600s'])
  })

  test('no more children are started', async () => {
    const story = new Story(
      workflow(() => Promise.all(times(1_001).map(n => executeChild(child, undefined, { workflowId: `c${n}` })))),
    )
    expect(await story.go()).toHaveLength(1_000)
    expect(await story.childStarts('c5').go()).toEqual([])
    expect(brief(await story.childCloses('c5', 'Completed').go())).toEqual(['StartChildWorkflowExecution Child c1000'])
  })

  test('what waits for its turn may be canceled', async () => {
    const story = new Story(
      workflow(() =>
        scope(async s => {
          stop.handle(() => s.cancel())
          await Promise.allSettled(times(1_002).map(n => work(n)))
        }),
      ),
    )
    await story.go()
    expect(await story.signal('stop').go()).toHaveLength(1_000)
    for (const n of times(999)) story.activityCanceled(`${n + 1}.1`)
    expect(await story.go()).toEqual([])
    expect(brief(await story.activityCanceled('1000.1').go())).toEqual(['CompleteWorkflowExecution'])
  })
})

describe('an answer of more than 1 MB', () => {
  const long = 'x'.repeat(30_000)
  const run = (size: string) => async () => {
    await Promise.all(times(40).map(n => signalExternal({ workflowId: `w${n}` }, note, size)))
    return 'done'
  }

  test('is given in parts, each brought about by a timer', async () => {
    const story = new Story(workflow(run(long)))
    const first = await story.go()
    expect(Buffer.byteLength(JSON.stringify(first))).toBeLessThan(1_000_000)
    expect(brief(first).at(-1)).toMatch(/^StartTimer swf-gateway\.more\.\d+ 0s$/)
    const second = await story.fire(/more/).go()
    const sent = [...first.slice(0, -1), ...second]
    expect(sent.map(decision => decisionAttributes(decision).workflowId)).toEqual(times(40).map(n => `w${n}`))
    for (const n of times(40)) story.reaches('Signaled', `w${n}`)
    expect(brief(await story.go())).toEqual(['CompleteWorkflowExecution'])
    story.check()
  })

  test('is cut where the history was cut, whatever the sizes are now', async () => {
    const story = new Story(workflow(run(long)))
    await story.go()
    await story.fire(/more/).go()
    story.signal('stop').start()
    for (const size of ['short', `${long}yy`]) {
      const turn = await replay(workflow(run(size)), { execution: EXECUTION, events: story.events })
      expect(turn).toMatchObject({ kind: 'decided', decisions: [] })
    }
  })

  test('that closes the execution closes it with the last part', async () => {
    const story = new Story(
      workflow(async () => {
        for (const n of times(40)) void signalExternal({ workflowId: `w${n}` }, note, long)
        await Promise.resolve()
        return 'done'
      }),
    )
    const first = await story.go()
    expect(brief(first)).not.toContain('CompleteWorkflowExecution')
    expect(story.turn).not.toHaveProperty('closing')
    expect(brief(await story.fire(/more/).go()).at(-1)).toBe('CompleteWorkflowExecution')
    expect(story.turn).toMatchObject({ closing: 'CompleteWorkflowExecution' })
    story.check()
  })
})

test('a map over many items stays within SWF, however many at once are asked for', async () => {
  const story = new Story(workflow(() => map(times(1_500), {}, n => work(n))))
  expect(await story.go()).toHaveLength(1_000)
  for (const n of times(600)) story.complete(`${n + 1}.1`)
  expect(await story.go()).toHaveLength(500)
})

import { describe, expect, test } from 'vitest'
import { decisionAttributes } from '../../src/swf/decision.js'
import { defineActivity, defineWorkflow, patched, sideEffect, sleep } from '../../src/workflow/index.js'
import { replay } from '../../src/workflow/replay/replay.js'
import { brief, EXECUTION, Story } from '../support/given.js'

const a = defineActivity<unknown, unknown>('A', '1')
const b = defineActivity<unknown, unknown>('B', '1')
const workflow = (run: () => Promise<unknown>) => defineWorkflow('W', '1', {}, run)

/** A story that is already recorded, told to other code. */
async function toldTo(story: Story, run: () => Promise<unknown>) {
  const turn = await replay(workflow(run), { execution: EXECUTION, events: story.events })
  return turn.kind === 'decided' ? brief(turn.decisions) : turn.stuck.reason
}

describe('a side effect', () => {
  test('is done once, outside of the guard, and has the same value in every replay', async () => {
    let calls = 0
    const seen: unknown[] = []
    const run = async () => {
      const at = sideEffect(() => ({ at: Date.now() + Math.random(), nothing: undefined, n: ++calls }))
      seen.push(at)
      await a(at)
      seen.push(sideEffect(() => ++calls, 'second'))
      await b(1)
    }
    // A story decides everything twice, which is not for what is found out once.
    const story = new Story(workflow(run)).start()
    const first = await replay(story.definition, { execution: EXECUTION, events: story.events })
    if (first.kind === 'stuck') throw new Error(first.stuck.reason)
    expect(brief(first.decisions)).toEqual(['RecordMarker 1.sideEffect', 'ScheduleActivityTask A 2.1'])
    story.accept(first.decisions)
    const recorded = JSON.parse(
      story.events.find(event => event.eventType === 'MarkerRecorded')!.markerRecordedEventAttributes.details!,
    ) as { n: number }
    seen.length = 0
    story.complete('A').start()
    const before = calls
    const turn = await replay(story.definition, { execution: EXECUTION, events: story.events })
    expect(turn).toMatchObject({ kind: 'decided', warnings: [] })
    expect(seen[0]).toEqual(recorded)
    expect(calls).toBe(before + 1)
    const [marker] = turn.kind === 'decided' ? turn.decisions : []
    expect(decisionAttributes(marker!)).toEqual({ markerName: '3.sideEffect.second', details: String(calls) })
  })

  test.each<[string, () => unknown, string]>([
    [
      'throws',
      () => {
        throw new Error('no')
      },
      'side effect 1.sideEffect failed: no',
    ],
    ['returns a promise', () => Promise.resolve(1), 'returns a promise'],
    ['is too long', () => 'x'.repeat(40_000), 'are more than the 32768'],
  ])('that %s makes the run stuck, even if the code catches it', async (_how, effect, reason) => {
    const story = new Story(
      workflow(async () => {
        try {
          sideEffect(effect as () => number)
        } catch {
          await a(1)
        }
      }),
    )
    expect(await story.decide()).toMatchObject({ stuck: { reason: expect.stringContaining(reason) as string } })
  })

  test('that was added, removed or renamed is a divergence', async () => {
    const story = new Story(
      workflow(async () => {
        sideEffect(() => 1, 'one')
        await a(1)
      }),
    )
    await story.go()
    story.complete('A').start()
    const divergence = expect.stringMatching(/^divergence: /) as string
    expect(await toldTo(story, async () => a(1))).toEqual(divergence)
    expect(await toldTo(story, async () => [sideEffect(() => 1, 'other'), await a(1)])).toEqual(divergence)
    expect(await toldTo(story, async () => [sideEffect(() => 1, 'one'), sideEffect(() => 2), await a(1)])).toEqual(
      divergence,
    )
    expect(await toldTo(story, async () => [await a(1), sideEffect(() => 1, 'one')])).toEqual(divergence)
  })
})

describe('a patch', () => {
  const old = async () => {
    await a(1)
    await sleep('1s')
    await b(2)
  }
  const changed = async () => {
    await a(1)
    if (patched('no-sleep')) await b('sooner')
    else {
      await sleep('1s')
      await b(2)
    }
    return patched('no-sleep')
  }

  test('is off for a run that was past it, for ever', async () => {
    const story = new Story(workflow(old))
    await story.go()
    await story.complete('A').go()
    const later = Object.assign(new Story(workflow(changed)), { events: story.events })
    story.fire('2.sleep').start()
    expect(await toldTo(story, changed)).toEqual(['ScheduleActivityTask B 3.1'])
    story.accept(((await replay(workflow(old), { execution: EXECUTION, events: story.events })) as any).decisions)
    story.complete('B').start()
    const turn = await replay(workflow(changed), { execution: EXECUTION, events: later.events })
    expect(decisionAttributes((turn as any).decisions[0]).result).toBe('false')
  })

  test('is on for a run that reaches it later, and its marker says so', async () => {
    const story = new Story(workflow(changed))
    await story.go()
    expect(brief(await story.complete('A').go())).toEqual([
      'RecordMarker patched.no-sleep',
      'ScheduleActivityTask B 2.1',
    ])
    const [close] = await story.complete('B').go()
    expect(decisionAttributes(close!).result).toBe('true')
    story.check()
  })

  test('may go from the code once its old way is gone, and may move', async () => {
    const story = new Story(workflow(changed))
    await story.go()
    await story.complete('A').go()
    story.complete('B').start()
    expect(await toldTo(story, async () => [await a(1), await b('sooner')])).toEqual(['CompleteWorkflowExecution'])
    expect(await toldTo(story, async () => [await a(1), await b('sooner'), patched('no-sleep')])).toEqual([
      'CompleteWorkflowExecution',
    ])
    expect(await toldTo(story, async () => [patched('no-sleep'), await a(1), await b('sooner')])).toEqual([
      'CompleteWorkflowExecution',
    ])
  })
})

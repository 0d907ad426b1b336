import { describe, expect, test } from 'vitest'
import { attributesOf, type HistoryEvent } from '../../src/swf/history-event.js'
import { defineActivity, defineWorkflow, sleep } from '../../src/workflow/index.js'
import { park } from '../../src/workflow/replay/park.js'
import { replay } from '../../src/workflow/replay/replay.js'
import { brief, EXECUTION, Story } from '../support/given.js'

const a = defineActivity<string, string>('A', '1')
const b = defineActivity<string, string>('B', '1')
const b2 = defineActivity<string, string>('B', '2')
const workflow = (run: () => Promise<unknown>) => defineWorkflow('W', '1', {}, run)

/** A history of: A, then a sleep, then B, with a decision task at work at its end. */
async function recorded(): Promise<HistoryEvent[]> {
  const story = new Story(
    workflow(async () => {
      await a('x')
      await sleep('5s')
      await b('y')
    }),
  )
  await story.go()
  await story.complete('A').go()
  await story.fire('2.sleep').go()
  story.signal('hello').start()
  return story.events
}

describe('code that does not fit its history', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['an added activity', async () => [await b('new'), await a('x'), await sleep('5s'), await b('y')]],
    ['a removed timer', async () => [await a('x'), await b('y')]],
    ['two things swapped', async () => [await sleep('5s'), await a('x'), await b('y')]],
    ['another type', async () => [await b('x'), await sleep('5s'), await b('y')]],
    ['another version', async () => [await a('x'), await sleep('5s'), await b2('y')]],
    ['an earlier end', async () => a('x')],
    ['something beside', async () => [await a('x'), await Promise.all([sleep('5s'), b('z')]), await b('y')]],
  ])('%s is a divergence that names both sides', async (_name, run) => {
    const turn = await replay(workflow(run), { execution: EXECUTION, events: await recorded() })
    expect(turn).toMatchObject({
      kind: 'stuck',
      stuck: { reason: expect.stringMatching(/^divergence: the/) as string },
    })
  })

  test('a changed input or duration is a warning', async () => {
    const changed = workflow(async () => {
      await a('another input')
      await sleep('9s')
      await b('y')
    })
    const turn = await replay(changed, { execution: EXECUTION, events: await recorded() })
    expect(turn).toMatchObject({ kind: 'decided', decisions: [] })
    expect(turn.kind === 'decided' && turn.warnings).toEqual([
      expect.stringContaining('input of ScheduleActivityTask 1.1 A 1 has changed'),
      expect.stringContaining('startToFireTimeout of StartTimer 2.sleep has changed'),
    ])
  })

  test('the same code has neither', async () => {
    const same = workflow(async () => {
      await a('x')
      await sleep('5s')
      await b('y')
    })
    expect(await replay(same, { execution: EXECUTION, events: await recorded() })).toEqual({
      kind: 'decided',
      decisions: [],
      context: {},
      openActivities: 1,
      warnings: [],
    })
  })
})

describe('a parked execution', () => {
  test('goes on with code that fits, as if the parked tasks had timed out', async () => {
    const run = async () => [await a('x'), await b('y')]
    const story = new Story(workflow(run))
    await story.go()
    story.complete('A', 'done')
    for (const parks of [0, 1]) {
      story.start()
      const startedEventId = story.events.length
      const stuck = { since: 1, reason: 'TypeError: a bug' }
      const { decisions, executionContext } = park(stuck, {}, { parks, startedEventId })
      story.accept(decisions, executionContext)
      expect(story.sent.stuck).toEqual(stuck)
      story.fire(`swf-gateway.parked.${startedEventId}`)
    }
    expect(brief(await story.go())).toEqual(['ScheduleActivityTask B 2.1'])
    expect(story.sent.stuck).toBeUndefined()
    expect(brief(await story.complete('B').go())).toEqual(['CompleteWorkflowExecution'])
    story.check()
  })

  test('is looked at again after 1, 2, 4 … minutes, at most an hour', () => {
    const wait = (parks: number) => brief(park({ since: 0, reason: '' }, {}, { parks, startedEventId: 3 }).decisions)[1]
    expect([0, 1, 2, 5, 6, 50].map(wait)).toEqual(
      [60, 120, 240, 1920, 3600, 3600].map(seconds => `StartTimer swf-gateway.parked.3 ${seconds}s`),
    )
  })
})

test('a gap in the events is refused', async () => {
  const events = (await recorded()).filter(event => event.eventId !== 4)
  await expect(
    replay(
      workflow(async () => a('x')),
      { execution: EXECUTION, events },
    ),
  ).rejects.toThrow(/event 4 is missing/)
})

test('a closed history replays to no decisions', async () => {
  const definition = workflow(async () => a('x'))
  const story = new Story(definition)
  await story.go()
  await story.complete('A', 'z').go()
  expect(attributesOf(story.events.at(-1)!)).toMatchObject({ result: '"z"' })
  expect(await replay(definition, { execution: EXECUTION, events: story.events })).toMatchObject({ decisions: [] })
})

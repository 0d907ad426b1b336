import { expect, test } from 'vitest'
import { defineActivity, defineWorkflow } from '../../src/workflow/index.js'
import { isReplaying } from '../../src/workflow/replay/current.js'
import { Run } from '../../src/workflow/replay/replay.js'
import { EXECUTION, Story } from '../support/given.js'

const step = defineActivity<number, number>('Step', '1')
const chain = (length: number) =>
  defineWorkflow('Chain', '1', {}, async () => {
    let sum = 0
    for (let n = 0; n < length; n++) sum += await step(n)
    return sum
  })

/** A history of `length` activities, one after the other. */
async function longStory(length: number): Promise<Story> {
  const definition = chain(length)
  const story = new Story(definition)
  const run = new Run(definition, EXECUTION)
  for (let n = 0; n <= length; n++) {
    if (n > 0) story.complete('Step', n)
    story.start()
    const turn = await run.advance(story.events)
    if (turn.kind === 'stuck') throw new Error(turn.stuck.reason)
    if (n < length) story.accept(turn.decisions, turn.executionContext)
  }
  return story
}

test('many long replays at once leave the event loop its turns, and none of its callbacks sees a run', async () => {
  const story = await longStory(300)
  let turns = 0
  let seen = 0
  let going = true
  const tick = () => {
    turns++
    if (isReplaying()) seen++
    if (going) setImmediate(tick)
  }
  const timer = setInterval(() => isReplaying() && seen++, 1)
  setImmediate(tick)
  const answers = await Promise.all(
    Array.from({ length: 16 }, async () => {
      const turn = await new Run(story.definition, EXECUTION).advance(story.events)
      if (isReplaying()) seen++
      return turn
    }),
  )
  going = false
  clearInterval(timer)
  expect(answers.every(turn => turn.kind === 'decided' && turn.closing === 'CompleteWorkflowExecution')).toBe(true)
  expect(turns).toBeGreaterThan(16)
  expect(seen).toBe(0)
})

test('a failure that nobody awaits harms neither the run nor the process', async () => {
  const story = new Story(
    defineWorkflow('W', '1', {}, async () => {
      void step(1)
      return step(2)
    }),
  )
  await story.go()
  await story.fail('1.1', 'Busy').go()
  await story.complete('2.1', 5).go()
  expect(story.turn).toMatchObject({ closing: 'CompleteWorkflowExecution' })
})

test('a rejection that nobody handles is told to whoever replays the run, and harms neither the run nor the process', async () => {
  const told: { reason: string; location?: string }[] = []
  const once = defineActivity<number, number>('Once', '1', { retry: { maximumAttempts: 1 } })
  const wrap = async () => {
    await once(1)
  }
  const story = new Story(
    defineWorkflow('W', '1', {}, async () => {
      void wrap()
      return step(2)
    }),
  )
  await story.go()
  story.fail('Once', 'Busy').start()
  const run = new Run(story.definition, EXECUTION, { unhandled: rejection => told.push(rejection) })
  expect(await run.advance(story.events)).toMatchObject({ kind: 'decided', decisions: [] })
  expect(told).toEqual([{ reason: 'ActivityTaskFailed: Once failed: Busy' }])
})

test('a rejection that is not of a run is the affair of the process', async () => {
  const heard: unknown[] = []
  const listeners = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', reason => heard.push(reason))
  try {
    void Promise.reject('foreign')
    await new Story(chain(1)).go()
  } finally {
    process.removeAllListeners('unhandledRejection')
    for (const listener of listeners) process.on('unhandledRejection', listener)
  }
  expect(heard).toEqual(['foreign'])
})

test('an operation called outside of a workflow says so', () => {
  expect(() => step(1)).toThrow(/activity Step was called outside of a workflow/)
})

test('a run that was dropped is collected with what its code awaits, and cannot go on', async () => {
  const story = new Story(chain(2))
  await story.go()
  const run = new Run(story.definition, EXECUTION)
  run.dispose()
  await expect(run.advance(story.events)).rejects.toThrow(/disposed/)
})

import { describe, expect, test } from 'vitest'
import { decisionAttributes } from '../../src/swf/decision.js'
import { decodePayload } from '../../src/swf/payload.js'
import { cron, defineActivity, defineWorkflow, nextCron, type CronOptions } from '../../src/workflow/index.js'
import { brief, Story } from '../support/given.js'

const work = defineActivity<number, unknown>('Work', '1', { retry: { maximumAttempts: 1 } })
const iso = (at: number | undefined) => (at === undefined ? undefined : new Date(at).toISOString())
const on = (expression: string, options: CronOptions = {}, lifetime: `${number}d` = '30d') =>
  defineWorkflow('Nightly', '1', { executionStartToClose: lifetime }, () => cron(expression, options, at => work(at)))

describe('nextCron', () => {
  test.each([
    ['30 2 * * *', 'UTC', '2026-01-01T00:00:00Z', '2026-01-01T02:30:00.000Z'],
    ['30 2 * * *', 'UTC', '2026-01-01T02:30:00Z', '2026-01-02T02:30:00.000Z'],
    ['30 2 * * *', 'Europe/Berlin', '2026-01-01T00:00:00Z', '2026-01-01T01:30:00.000Z'],
    ['30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', '2026-03-29T01:00:00.000Z'],
    ['*/10 * * * * *', 'UTC', '2026-01-01T00:00:01Z', '2026-01-01T00:00:10.000Z'],
    ['0 9 * * MON', 'America/New_York', '2026-07-01T00:00:00Z', '2026-07-06T13:00:00.000Z'],
  ])('of %s in %s after %s is %s', (expression, timezone, after, next) => {
    expect(iso(nextCron(expression, Date.parse(after), { timezone }))).toBe(next)
  })

  test('of a day that never comes is undefined; of nonsense an error', () => {
    expect(nextCron('0 0 30 2 *', 0)).toBeUndefined()
    expect(() => nextCron('soon', 0)).toThrow(/CronPattern/)
    expect(() => nextCron('* * * * *', 0, { timezone: 'Mars/Olympus' })).toThrow(/timezone/i)
  })
})

describe('cron', () => {
  test('works at its moments, and leaves those out that pass while it works', async () => {
    const story = new Story(on('0 * * * *', {}))
    expect(brief(await story.go())).toEqual(['StartTimer 1.sleep 3600s'])
    const [first] = await story.fire('1.sleep').go()
    expect(decodePayload(decisionAttributes(first!).input as string).value).toBe(Date.parse('2026-01-01T01:00:00Z'))
    story.pass(90 * 60_000)
    expect(brief(await story.complete('Work').go())).toEqual(['StartTimer 3.sleep 1800s'])
    story.check()
  })

  test('continues as new when half of its time is used up, and goes on behind its last moment', async () => {
    const definition = on('0 0 * * *', {}, '4d')
    const story = new Story(definition)
    await story.go()
    await story.fire('1.sleep').go()
    expect(brief(await story.complete('Work').go())).toEqual(['StartTimer 3.sleep 86400s'])
    await story.fire('3.sleep').go()
    const [decision] = await story.complete('Work').go()
    expect(decodePayload(decisionAttributes(decision!).input as string).envelope.continued).toEqual({
      cursors: { cron: Date.parse('2026-01-03T00:00:00Z') },
    })
    const next = Story.continued(definition, decision!)
    expect(brief(await next.go())).toEqual([`StartTimer 1.sleep ${3 * 86_400}s`])
  })

  test('that waits longer than the execution may take says so', async () => {
    expect(await new Story(on('0 0 1 6 *')).decide()).toMatchObject({
      stuck: { reason: expect.stringContaining('give it a longer executionStartToClose') as string },
    })
  })

  test('ends when its work fails', async () => {
    const story = new Story(on('0 * * * *'))
    await story.go()
    await story.fire('1.sleep').go()
    expect(brief(await story.fail('Work', 'Broken').go())).toEqual(['FailWorkflowExecution Broken'])
  })
})

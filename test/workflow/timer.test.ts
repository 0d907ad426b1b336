import { describe, expect, test } from 'vitest'
import {
  condition,
  defineWorkflow,
  now,
  sleep,
  sleepUntil,
  TimeoutExpired,
  withTimeout,
} from '../../src/workflow/index.js'
import { brief, Story } from '../support/given.js'
import { lived } from '../support/lived.js'

const begins = async (run: () => Promise<unknown>) => brief(await new Story(defineWorkflow('W', '1', {}, run)).go())

describe('a moment that has passed is now', () => {
  test.each<[string, () => Promise<unknown>, string]>([
    ['sleep', () => sleep(-5), '1.sleep'],
    ['sleep since a deadline', () => sleep(Date.UTC(2020, 0, 1) - now()), '1.sleep'],
    ['sleepUntil', () => sleepUntil(new Date('2020-01-01')), '1.sleep'],
    ['sleepUntil before all time', () => sleepUntil(Number.NEGATIVE_INFINITY), '1.sleep'],
    ['withTimeout', () => withTimeout(-5, () => condition(() => false)), '1.sleep'],
    [
      'withTimeout of a promise',
      () =>
        withTimeout(
          -5,
          condition(() => false),
        ),
      '1.sleep',
    ],
  ])('for %s', async (_what, run, timer) => {
    expect(await begins(run)).toEqual([`StartTimer ${timer} 0s`])
  })

  test('live', async () => {
    const late = defineWorkflow('Late', '1', {}, async () => {
      const at = now()
      await sleep(-86_400_000)
      await sleepUntil(at - 1)
      const expired = await withTimeout(at - now() - 1, () => sleep('1d')).catch((failure: unknown) => failure)
      return [expired instanceof TimeoutExpired && expired.message, now() - at < 60_000]
    })
    expect(await lived(late, execution => execution.result())).toEqual(['not done within 0ms', true])
  })
})

test('sleepUntil ends at its moment, given as a Date or in milliseconds', async () => {
  const at = Date.UTC(2026, 0, 1, 12)
  expect(await begins(() => sleepUntil(new Date(at)))).toEqual(await begins(() => sleepUntil(at)))
  const early = defineWorkflow('Early', '1', {}, async () => {
    const moment = now() + 90_500
    await sleepUntil(moment)
    return now() - moment
  })
  const over = await lived(early, async execution => (await execution.result()) < 2_000)
  expect(over).toBe(true)
})

test('what is no moment, or no duration, is a mistake at its line', async () => {
  const story = async (run: () => Promise<unknown>) => new Story(defineWorkflow('W', '1', {}, run)).decide()
  expect(await story(() => sleepUntil(new Date('soon')))).toMatchObject({
    stuck: { reason: 'RangeError: the moment to sleep until is not a date' },
  })
  expect(await story(() => sleep(Number.NaN))).toMatchObject({
    stuck: { reason: expect.stringContaining('is not a duration') as string },
  })
  expect(await story(() => sleep('-5s'))).toMatchObject({
    stuck: { reason: expect.stringContaining('is not a duration') as string },
  })
})

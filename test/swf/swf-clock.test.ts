import { expect, test } from 'vitest'
import { monotonic } from '../../src/clock.js'
import { createSwfClient } from '../../src/swf/client.js'
import { SwfClock } from '../../src/swf/swf-clock.js'
import { afterFile } from '../support/dispose.js'
import { localSwf } from '../support/local-swf.js'

const header = (time: number) => new Date(time).toUTCString()

test('without an answer it is the clock of this machine', () => {
  const clock = new SwfClock()
  expect(Math.abs(clock.now() - Date.now())).toBeLessThan(1_000)
  expect(clock.ahead).toBe(0)
  clock.heard('not a date', 0)
  clock.heard(undefined, 0)
  expect(clock.ahead).toBe(0)
})

test.each([90_000, -90_000])("SWF's time is told, and how far this machine is off: by %d ms", off => {
  const clock = new SwfClock()
  const asked = monotonic()
  clock.heard(header(Date.now() + off), asked)
  expect(clock.now()).toBeLessThanOrEqual(Date.now() + off)
  expect(clock.now()).toBeGreaterThan(Date.now() + off - 2_000)
  expect(Math.sign(clock.ahead)).toBe(-Math.sign(off))
  expect(Math.abs(Math.abs(clock.ahead) - 90_000)).toBeLessThan(2_000)
})

test('answers narrow it down, a poll that was held open does not widen it, and a clock that is set counts at once', () => {
  const clock = new SwfClock()
  clock.heard(header(Date.now() + 90_000), monotonic())
  const before = clock.ahead
  clock.heard(header(Date.now() + 90_000), monotonic() - 60_000)
  expect(Math.abs(clock.ahead - before)).toBeLessThanOrEqual(1_000)
  clock.heard(header(Date.now() - 90_000), monotonic())
  expect(clock.ahead).toBeGreaterThan(80_000)
  clock.heard(header(Date.now()), monotonic())
  expect(clock.ahead).toBe(0)
})

test.each(['http', 'sdk'] as const)(
  'clients of a local SWF learn its time, where it was moved too: %s',
  async transport => {
    const local = await localSwf({ clock: 'virtual' })
    const swf = createSwfClient({ transport, endpoint: local.endpoint, region: 'us-east-1' })
    afterFile(() => swf.close())
    const ask = () => swf.listDomains({ registrationStatus: 'REGISTERED' })
    await ask()
    expect(Math.abs(swf.clock.now() - local.clock.now().getTime())).toBeLessThan(5_000)
    await local.clock.advance('30d')
    await ask()
    expect(Math.abs(swf.clock.now() - local.clock.now().getTime())).toBeLessThan(5_000)
  },
)

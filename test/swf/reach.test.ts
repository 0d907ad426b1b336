import { expect, test } from 'vitest'
import type { SwfClient } from '../../src/swf/client.js'
import { swfFault } from '../../src/swf/errors.js'
import { SwfReach } from '../../src/swf/reach.js'
import { PollHealth } from '../../src/workers/poll-health.js'
import { until } from '../support/until.js'

/** SWF that answers DescribeDomain so; counts how often it is asked. */
function swf(answer: () => Promise<unknown>) {
  const asked = { times: 0 }
  const describeDomain = () => {
    asked.times++
    return answer()
  }
  return { asked, reach: new SwfReach({ describeDomain } as unknown as SwfClient, 'orders') }
}
const fault = (name: string) => () => Promise.reject(swfFault('DescribeDomain', name, `${name} it is`))

test.each([
  ['ExpiredTokenException', 'SWF does not take the credentials: ExpiredTokenException it is'],
  ['UnrecognizedClientException', 'SWF does not take the credentials'],
  ['CredentialsProviderError', 'SWF does not take the credentials'],
  ['UnknownResourceFault', 'domain orders is not registered in SWF: run swf-gateway register'],
  ['InternalFailure', 'SWF does not answer for domain orders: InternalFailure it is'],
])('%s is trouble', async (name, what) => {
  expect((await swf(fault(name)).reach.trouble())?.what).toContain(what)
})

test.each(['ThrottlingException', 'AccessDeniedException', 'OperationNotPermittedFault'])(
  '%s proves that SWF is there and knows who asks',
  async name => expect(await swf(fault(name)).reach.trouble()).toBeUndefined(),
)

test('SWF is asked once for all who want to know, and not while other calls are answered', async () => {
  const { asked, reach } = swf(async () => ({}))
  await Promise.all([reach.trouble(), reach.trouble()])
  expect([await reach.trouble(), asked.times]).toEqual([undefined, 1])
  const busy = swf(fault('InternalFailure'))
  busy.reach.answered()
  expect([await busy.reach.trouble(), busy.asked.times]).toEqual([undefined, 0])
})

test('while SWF is silent it is said that it has not answered yet', async () => {
  const { reach } = swf(() => new Promise(() => {}))
  expect((await reach.trouble())?.what).toBe('SWF has not answered for domain orders yet')
})

test('polls are well again when one is answered or held open; one that fails alone is no news', async () => {
  const polls = new PollHealth(swf(async () => ({})).reach, 'domain orders')
  const lacks = () => polls.lacks().map(({ what, stops }) => [stops, what])
  const fails = (name: string) => polls.poll(fault(name)).catch(() => {})
  await fails('InternalFailure')
  expect(lacks()).toEqual([])
  await fails('ExpiredTokenException')
  expect(lacks()).toEqual([[true, 'SWF does not take polls of domain orders: ExpiredTokenException it is']])
  await polls.poll(async () => ({}))
  expect(lacks()).toEqual([])
  await fails('InternalFailure')
  await fails('InternalFailure')
  expect(lacks()).toHaveLength(1)
  void polls.poll(() => new Promise(() => {}))
  expect(lacks()).toHaveLength(1)
  await until(() => lacks().length === 0, { what: 'the poll has been held open' })
})

test('polls that SWF throttles make less, and not useless', async () => {
  const polls = new PollHealth(swf(async () => ({})).reach, 'domain orders')
  for (let n = 0; n < 3; n++) await polls.poll(fault('ThrottlingException')).catch(() => {})
  expect(polls.lacks()).toEqual([{ what: 'SWF throttles polls of domain orders', stops: false }])
})

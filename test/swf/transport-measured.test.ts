import { expect, test } from 'vitest'
import { createSwfClient } from '../../src/swf/client.js'
import { createMetrics } from '../../src/telemetry.js'
import { afterFile } from '../support/dispose.js'
import { localSwf } from '../support/local-swf.js'

const swf = await localSwf()
await swf.client.registerDomain({ name: 'counted', workflowExecutionRetentionPeriodInDays: '1' })

const credentials = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local', AWS_REGION: 'us-east-1' }
Object.assign(process.env, credentials)

test.each(['http', 'sdk'] as const)(
  'calls by %s are counted by action and outcome, each try; polls are not timed',
  async transport => {
    const metrics = createMetrics('test')
    const client = createSwfClient({ transport, endpoint: swf.endpoint, metrics })
    afterFile(() => client.close())
    await client.describeDomain({ name: 'counted' })
    await client.describeDomain({ name: 'nowhere' }).catch(() => {})
    // Tried again after the first is throttled, and then answered.
    const remove = swf.faults.add({
      kind: 'throttle',
      action: ['DescribeDomain', 'PollForDecisionTask'],
      rate: 1,
      times: 1,
    })
    await client.describeDomain({ name: 'counted' })
    remove()
    const poll = { domain: 'counted', taskList: { name: 'nobody' } }
    const removePolls = swf.faults.add({ kind: 'throttle', action: ['PollForDecisionTask'], rate: 1 })
    await client.pollForDecisionTask(poll).catch(() => {})
    removePolls()
    const giveUp = new AbortController()
    const given = client.pollForActivityTask(poll, { signal: giveUp.signal }).catch(() => {})
    giveUp.abort()
    await given

    const { values } = await metrics.swfCalls.get()
    expect(
      Object.fromEntries(values.map(({ labels, value }) => [`${labels.action} ${labels.outcome}`, value])),
    ).toEqual({
      'DescribeDomain ok': 2,
      'DescribeDomain UNKNOWN_RESOURCE': 1,
      'DescribeDomain THROTTLED': 1,
      'PollForDecisionTask THROTTLED': 1,
      'PollForActivityTask aborted': 1,
    })
    const timed = (await metrics.swfCallDuration.get()).values.filter(({ metricName }) =>
      metricName?.endsWith('_count'),
    )
    expect(timed.map(({ labels, value }) => [labels.action, value])).toEqual([['DescribeDomain', 4]])
  },
)

test('where nobody is there, that is counted too', async () => {
  const metrics = createMetrics('test')
  const client = createSwfClient({ transport: 'http', endpoint: 'http://127.0.0.1:1', metrics })
  afterFile(() => client.close())
  await client.pollForActivityTask({ domain: 'counted', taskList: { name: 'nobody' } }).catch(() => {})
  const { values } = await metrics.swfCalls.get()
  expect(values.map(({ labels, value }) => [labels.outcome, value])).toEqual([['SWF_UNAVAILABLE', 1]])
})

// Lines that workflows log: in the decider's log, with the run's ids, and not once more for each replay.

import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { createSwfClient } from '../../src/swf/client.js'
import { createLocalSwf, type LocalSwf } from '../../src/swf/local/index.js'
import { createMetrics } from '../../src/telemetry.js'
import { SILENT } from '../../src/workers/decider/announcer.js'
import { Decider } from '../../src/workers/decider/decider.js'
import { registerApp } from '../../src/workers/register-app.js'
import { defineSignal, defineWorkflow, log, workflowExecution } from '../../src/workflow/index.js'
import type { LogLine } from '../../src/workflow/replay/current.js'
import { Run } from '../../src/workflow/replay/replay.js'
import { EXECUTION, Story } from '../support/given.js'
import { until } from '../support/until.js'

const paid = defineSignal<number>('paid')
const order = defineWorkflow('Order', '1', {}, async () => {
  log.info('order came in')
  const amount = await paid.receive()
  log.warn({ amount, workflowId: 'another' }, 'payment taken')
  return workflowExecution().workflowId
})

let local: LocalSwf | undefined
let decider: Decider | undefined
afterEach(async () => {
  const stopped = decider?.stop()
  await local?.close()
  await stopped
})

test.each([{ cached: 100 }, { cached: 0 }])(
  'each line is logged once, with the ids of the run ($cached kept in memory)',
  async ({ cached }) => {
    const swfServer = (local = await createLocalSwf())
    const swf = createSwfClient({ transport: (action, input, given) => swfServer.call(action, input, given) })
    await registerApp(swf, 'test', { workflows: [order], handlers: [] }, 1)
    const lines: Record<string, unknown>[] = []
    const sink = pino(
      { messageKey: 'message', base: null },
      { write: line => void lines.push(JSON.parse(line) as never) },
    )
    const options = { swf, domain: 'test', workflows: [order], announcer: SILENT, log: sink, pollers: 1, cached }
    decider = new Decider({ ...options, metrics: createMetrics('test') })
    await decider.start()
    const workflowId = 'order-1'
    const { runId } = await swf.startWorkflowExecution({
      ...{ domain: 'test', workflowId, workflowType: { name: 'Order', version: '1' }, childPolicy: 'TERMINATE' },
      ...{ taskList: { name: 'decisions' }, executionStartToCloseTimeout: '60', taskStartToCloseTimeout: '10' },
    })
    const ofWorkflow = () => lines.filter(({ message }) => /order came in|payment taken/.test(String(message)))
    await until(async () => ofWorkflow().length === 1, { what: 'the first line is logged' })
    await swf.signalWorkflowExecution({ domain: 'test', workflowId, signalName: 'paid', input: '5' })
    const closed = async () =>
      (await swf.describeWorkflowExecution({ domain: 'test', execution: { workflowId, runId: runId! } })).executionInfo
        ?.closeStatus === 'COMPLETED'
    await until(closed, { what: 'the order is complete' })
    const ids = { workflowId, runId, workflowType: 'Order' }
    expect(ofWorkflow().map(({ time: _time, ...line }) => line)).toEqual([
      { level: 30, ...ids, message: 'order came in' },
      { level: 40, ...ids, amount: 5, message: 'payment taken' },
    ])
  },
)

test('a replay logs what was not recorded yet, whoever replays', async () => {
  const story = new Story(order)
  await story.go()
  story.signal('paid', 5)
  const lines: LogLine[] = []
  await new Run(order, EXECUTION, { log: line => lines.push(line) }).advance(story.start().events)
  expect(lines.map(({ message }) => message)).toEqual(['payment taken'])
})

test('a log that fails is no affair of the workflow', async () => {
  const story = new Story(order)
  story.start()
  const run = new Run(order, EXECUTION, {
    log: () => {
      throw new Error('disk full')
    },
  })
  expect(await run.advance(story.events)).toMatchObject({ kind: 'decided' })
})

test('outside of a workflow there is nothing to log for', () => {
  expect(() => log.info('nowhere')).toThrow('log.info was called outside of a workflow')
})

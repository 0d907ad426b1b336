// The approval example in virtual time: reminders, escalation and refusal over days; 3,000 activities over several runs.

import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { archive, ask, pay } from '../../examples/approval/activities.js'
import { approval, progress } from '../../examples/approval/approval.js'
import { archiveYear } from '../../examples/approval/archive-year.js'
import { decided, type Report } from '../../examples/approval/report.js'
import { workflows } from '../../examples/approval/workflows.js'
import { testEnvironment, type TestEnvironment } from 'swf-gateway/testing'
import { tmpDir } from '../support/tmp.js'

process.env.OFFICE_LEDGER = join(tmpDir('office'), 'ledger.jsonl')
const { handlers } = await import('../../examples/approval/handlers.js')
const { effects, RECEIPTS } = await import('../../examples/approval/office.js')

let env: TestEnvironment
beforeEach(async () => {
  env = await testEnvironment({ workflows, handlers })
})
afterEach(() => env.close())

const report = (id: string, ...items: string[]): Report => ({
  id,
  employee: 'ada',
  approver: 'grace',
  manager: 'edsger',
  items: items.map(item => ({ id: item, what: item, amount: 100 })),
})
const decide = (workflowId: string, approved: boolean, by = 'grace') =>
  env.swf.signalWorkflowExecution({
    domain: env.domain,
    workflowId,
    signalName: decided.name,
    input: JSON.stringify({ approved, by }),
  })
const asked = () => env.calls(ask).map(({ input: { person, reminder } }) => `${person} ${reminder}`)

test('an approver decides: what is approved is paid, what is not is told', async () => {
  const execution = await env.start(approval, report('r', 'hotel', 'bar'))
  await env.advance('1h')
  expect(await execution.state(progress)).toEqual({ open: 2, paid: 0, refused: 0 })
  await decide('r.hotel', true)
  await decide('r.bar', false)
  expect(await execution.result()).toEqual({
    paid: ['pay-hotel'],
    refused: [{ item: 'bar', decision: { approved: false, by: 'grace' } }],
  })
  expect(env.calls(pay).map(({ input }) => input.item.id)).toEqual(['hotel'])
})

test('an approver is reminded every second day; then the manager is asked, whose word counts', async () => {
  const execution = await env.start(approval, report('r', 'hotel'))
  await env.advance('5d')
  expect(asked()).toEqual(['grace 0', 'grace 1', 'grace 2'])
  await env.advance('2d')
  expect(asked().at(-1)).toBe('edsger 0')
  await decide('r.hotel', true, 'edsger')
  expect(await execution.result()).toMatchObject({ paid: ['pay-hotel'] })
})

test('what nobody decides is refused after twelve days', async () => {
  const begun = env.now().getTime()
  const { refused } = await env.execute(approval, report('r', 'hotel'))
  expect(refused).toMatchObject([{ item: 'hotel', decision: { by: 'nobody' } }])
  expect(asked()).toEqual(['grace 0', 'grace 1', 'grace 2', 'edsger 0', 'edsger 1', 'edsger 2'])
  expect(Math.floor((env.now().getTime() - begun) / 86_400_000)).toBe(12)
})

test('a canceled report cancels what its items wait for', async () => {
  const execution = await env.start(approval, report('r', 'hotel', 'train'))
  await env.advance('1h')
  await execution.requestCancel()
  await expect(execution.result()).rejects.toMatchObject({ status: 'CANCELED' })
  const startTimeFilter = { oldestDate: new Date(0) }
  const { executionInfos } = await env.swf.listClosedWorkflowExecutions({ domain: env.domain, startTimeFilter })
  expect(executionInfos?.map(({ closeStatus }) => closeStatus)).toEqual(['CANCELED', 'CANCELED', 'CANCELED'])
})

test('thousands of receipts are archived over several runs, each once', async () => {
  const execution = await env.start(archiveYear, { year: 2026 })
  expect(await execution.result()).toEqual({ year: 2026 })
  const archived = (await effects()).filter(({ kind }) => kind === 'archived').map(({ what }) => what)
  expect(archived).toHaveLength(RECEIPTS)
  expect(new Set(archived).size).toBe(RECEIPTS)
  expect(env.calls(archive)).toHaveLength(RECEIPTS)
  const startTimeFilter = { oldestDate: new Date(0) }
  const { executionInfos } = await env.swf.listClosedWorkflowExecutions({ domain: env.domain, startTimeFilter })
  expect(executionInfos?.map(({ closeStatus }) => closeStatus)).toContain('CONTINUED_AS_NEW')
})

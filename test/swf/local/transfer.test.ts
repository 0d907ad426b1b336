import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { HistoryFile } from '../../../src/swf/local/index.js'
import { readHistoryFile, writeHistoryFile } from '../../../src/swf/local/index.js'
import type { Fixture, Run } from './fixture.js'
import { DOMAIN, decide, openFixture } from './fixture.js'

async function opened(options?: Parameters<typeof openFixture>[0]): Promise<Fixture> {
  const made = await openFixture({ clock: 'virtual', ...options })
  onTestFinished(() => made.close())
  return made
}
const named = ({ workflowId, runId }: Run) => ({ domain: DOMAIN, workflowId, runId })

/** An execution with an open timer, a waiting activity and a waiting decision task, and one that has closed. */
async function two(from: Fixture): Promise<{ open: Run; closed: Run }> {
  const open = await from.start()
  await open.decide(decide.timer('t', '60', 'control'), decide.schedule('a', { taskList: { name: open.list } }))
  await open.signal('s', '"\u2028 and \\u0000"')
  const closed = await from.start({ tagList: ['kept'] })
  await closed.decide(decide.complete('done'))
  return { open, closed }
}

test('an open execution goes on where it is brought to, and a closed one can be read and listed', async () => {
  const from = await opened()
  const { open, closed } = await two(from)
  const texts = await Promise.all(
    [open, closed].map(async run => writeHistoryFile(await from.server.exportHistory(named(run)))),
  )
  const to = await opened()
  for (const text of texts) await to.server.importHistory(DOMAIN, readHistoryFile(text))

  const exported = async (at: Fixture, run: Run) => writeHistoryFile(await at.server.exportHistory(named(run)))
  expect([await exported(to, open), await exported(to, closed)]).toEqual(texts)

  const input = { domain: DOMAIN, taskList: { name: open.list } }
  const activity = await to.swf.pollForActivityTask(input)
  expect(activity).toMatchObject({ activityId: 'a', workflowExecution: open.execution })
  await to.swf.respondActivityTaskCompleted({ taskToken: activity.taskToken })
  const task = await to.swf.pollForDecisionTask(input)
  expect(task.events?.map(({ eventType }) => eventType)).toContain('WorkflowExecutionSignaled')
  await to.swf.respondDecisionTaskCompleted({ taskToken: task.taskToken })
  await to.server.clock.advance('1m')
  const { events } = await to.swf.getWorkflowExecutionHistory({ domain: DOMAIN, execution: open.execution })
  expect(events?.map(({ eventType }) => eventType)).toContain('TimerFired')

  const startTimeFilter = { oldestDate: new Date(0) }
  const listed = await to.swf.listClosedWorkflowExecutions({
    domain: DOMAIN,
    startTimeFilter,
    tagFilter: { tag: 'kept' },
  })
  expect(listed.executionInfos?.map(({ execution }) => execution)).toEqual([closed.execution])
})

test('what was imported survives a restart', async () => {
  const from = await opened()
  const { open, closed } = await two(from)
  const data = mkdtempSync(join(tmpdir(), 'local-swf-'))
  onTestFinished(() => rmSync(data, { recursive: true }))
  const files = await Promise.all([open, closed].map(run => from.server.exportHistory(named(run))))
  const to = await openFixture({ data, clock: 'real' })
  for (const file of files) await to.server.importHistory(DOMAIN, file)
  await to.close()
  const again = await openFixture({ data, clock: 'real' }, false)
  onTestFinished(() => again.close())
  for (const [n, run] of [open, closed].entries()) {
    expect(writeHistoryFile(await again.server.exportHistory(named(run)))).toBe(writeHistoryFile(files[n]!))
  }
})

test('an older execution finds its place in the lists', async () => {
  const from = await opened()
  const old = await from.start({ executionStartToCloseTimeout: '31536000' })
  const to = await opened()
  await to.server.clock.advance('1d')
  const [young] = [await to.start()]
  await to.server.importHistory(DOMAIN, await from.server.exportHistory(named(old)))
  const startTimeFilter = { oldestDate: new Date(0) }
  const ids: unknown[] = []
  let nextPageToken: string | undefined
  do {
    const page = await to.swf.listOpenWorkflowExecutions({
      domain: DOMAIN,
      startTimeFilter,
      maximumPageSize: 1,
      nextPageToken,
    })
    ids.push(...page.executionInfos!.map(({ execution }) => execution?.runId))
    nextPageToken = page.nextPageToken
  } while (nextPageToken)
  expect(ids).toEqual([young!.runId, old.runId])
})

test("the output of the AWS CLI is a history too, given the run's ids", async () => {
  const from = await opened()
  const { closed } = await two(from)
  const wire = await from.server.call('GetWorkflowExecutionHistory', { domain: DOMAIN, execution: closed.execution })
  const to = await opened()
  await to.server.importHistory(DOMAIN, readHistoryFile(wire, closed.execution))
  expect(writeHistoryFile(await to.server.exportHistory(named(closed)))).toBe(
    writeHistoryFile(await from.server.exportHistory(named(closed))),
  )
})

test('events that begin with the newest are a history, and so is a decision task', async () => {
  const from = await opened()
  const { open, closed } = await two(from)
  const input = { domain: DOMAIN, execution: closed.execution, reverseOrder: true }
  const reversed = await from.server.call('GetWorkflowExecutionHistory', input)
  expect(readHistoryFile(reversed, closed.execution)).toEqual(await from.server.exportHistory(named(closed)))

  const poll = { domain: DOMAIN, taskList: { name: open.list }, reverseOrder: true }
  const task = (await from.server.call('PollForDecisionTask', poll)) as object
  const whole = await from.server.exportHistory(named(open))
  expect(readHistoryFile(JSON.stringify(task))).toEqual(whole)
  expect(() => readHistoryFile({ ...task, nextPageToken: 'more' })).toThrow(/put the events of all pages into one list/)
})

test('what is there already, and what is no history, is refused and leaves nothing', async () => {
  const from = await opened()
  const { open } = await two(from)
  const file = await from.server.exportHistory(named(open))
  await expect(from.server.importHistory(DOMAIN, file)).rejects.toThrow(/already there/)
  const other = { ...file, execution: { ...file.execution, runId: 'another' } }
  await expect(from.server.importHistory(DOMAIN, other)).rejects.toMatchObject({
    code: 'WorkflowExecutionAlreadyStartedFault',
  })
  await expect(from.server.importHistory('nowhere', other)).rejects.toThrow(/Unknown domain/)
  await expect(from.server.exportHistory({ ...named(open), runId: 'none' })).rejects.toThrow(/Unknown execution/)

  const to = await opened()
  // A decision task that completes without having started.
  const events = file.events.filter(({ eventId }) => eventId !== 3).map((event, n) => ({ ...event, eventId: n + 1 }))
  await expect(to.server.importHistory(DOMAIN, { ...file, events } as HistoryFile)).rejects.toThrow(
    /breaks SWF's rules/,
  )
  const { count } = await to.swf.countOpenWorkflowExecutions({
    domain: DOMAIN,
    startTimeFilter: { oldestDate: new Date(0) },
  })
  expect(count).toBe(0)
})

test.each<[string, unknown, RegExp]>([
  ['no JSON', '{', /not JSON/],
  ['no ids', { events: [{}] }, /no execution/],
  ['no events', { execution: { workflowId: 'w', runId: 'r' }, events: [] }, /no events/],
  ['nothing', null, /no execution/],
])('%s is refused', (_name, json, message) => {
  expect(() => readHistoryFile(json)).toThrow(message)
})

test('an event that is missing, unknown or incomplete is refused', async () => {
  const from = await opened()
  const { open } = await two(from)
  const file = await from.server.exportHistory(named(open))
  const bad = (change: (events: object[]) => void) => {
    const copy = JSON.parse(writeHistoryFile(file)) as { events: object[] }
    change(copy.events)
    return () => readHistoryFile(copy)
  }
  expect(bad(events => events.splice(1, 1))).toThrow(/Event 2 is missing/)
  expect(bad(events => Object.assign(events[1]!, { eventType: 'Nothing' }))).toThrow(/unknown type/)
  expect(bad(events => Object.assign(events[1]!, { eventTimestamp: 'soon' }))).toThrow(/no timestamp/)
  expect(bad(events => Object.assign(events[1]!, { decisionTaskScheduledEventAttributes: {} }))).toThrow(/no taskList/)
  expect(bad(events => events.splice(0, 1, { ...events[1], eventId: 1 }))).toThrow(/not WorkflowExecutionStarted/)
})

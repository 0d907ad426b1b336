import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type Libsql from 'libsql'
import { afterEach, expect, test } from 'vitest'
import { createLocalSwf } from '../../../src/swf/local/index.js'
import type { Fixture } from './fixture.js'
import { DOMAIN, Run, activityType, attributes, client, decide, openFixture, unique } from './fixture.js'
import { serve } from './killed-server.js'

const Database = createRequire(import.meta.url)('libsql') as typeof Libsql

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'local-swf-'))
  cleanups.push(() => rmSync(path, { recursive: true }))
  return path
}

async function open(data: string, register: boolean): Promise<Fixture> {
  const fixture = await openFixture({ data }, register)
  cleanups.push(() => fixture.close())
  return fixture
}

test('a store that is opened again has all that it had', async () => {
  const data = directory()
  const before = await open(data, true)
  const old = { name: 'Old', version: '1' }
  await before.swf.registerActivityType({ domain: DOMAIN, ...old, description: 'd', defaultTaskPriority: '3' })
  await before.swf.deprecateActivityType({ domain: DOMAIN, activityType: old })
  await before.swf.registerDomain({
    name: 'other',
    description: 'o',
    workflowExecutionRetentionPeriodInDays: 'NONE',
    tags: [{ key: 'k', value: 'v' }],
  })
  const closed = await before.start({ tagList: ['t'] })
  await closed.decide(decide.marker('m', 'line\nline'), decide.complete('r'))
  const waiting = await before.start({ input: 'x', taskPriority: '2', tagList: ['t'] })
  const started = await before.start()
  const token = (await started.poll()).taskToken
  const busy = await before.start()
  const lists = [unique('run'), unique('wait')]
  await busy.decide(
    decide.schedule('running', { taskList: { name: lists[0] } }),
    decide.schedule('waiting', { taskList: { name: lists[1] }, input: 'i' }),
    decide.timer('t', '600'),
    decide.child('a-child'),
  )
  const task = await before.swf.pollForActivityTask({ domain: DOMAIN, taskList: { name: lists[0]! } })
  await before.swf.recordActivityTaskHeartbeat({ taskToken: task.taskToken, details: 'half' })
  const runs = [closed, waiting, started, busy]
  const see = async ({ swf }: Fixture) => {
    const again = runs.map(run => new Run(swf, run.workflowId, run.runId, run.list))
    const strip = (answer: object) => ({ ...answer, $metadata: undefined })
    const since = { oldestDate: new Date(0) }
    return {
      histories: await Promise.all(again.map(run => run.history())),
      described: (await Promise.all(again.map(run => run.describe()))).map(strip),
      open: strip(await swf.listOpenWorkflowExecutions({ domain: DOMAIN, startTimeFilter: since })),
      closed: strip(await swf.listClosedWorkflowExecutions({ domain: DOMAIN, closeTimeFilter: since })),
      types: strip(await swf.listActivityTypes({ domain: DOMAIN, registrationStatus: 'DEPRECATED' })),
      type: strip(await swf.describeActivityType({ domain: DOMAIN, activityType: old })),
      domains: strip(await swf.listDomains({ registrationStatus: 'REGISTERED' })),
      tags: strip(await swf.listTagsForResource({ resourceArn: 'arn:aws:swf:us-east-1:123456789012:/domain/other' })),
      pending: await Promise.all(
        [lists[1]!].map(name => swf.countPendingActivityTasks({ domain: DOMAIN, taskList: { name } }).then(strip)),
      ),
    }
  }
  const seen = await see(before)
  await before.close()

  const after = await open(data, false)
  expect(await see(after)).toEqual(seen)
  // Tokens from before are good, tasks that waited are given out, and the child's end reaches its parent.
  await after.swf.respondDecisionTaskCompleted({ taskToken: token, decisions: [decide.complete()] })
  await after.swf.respondActivityTaskCompleted({ taskToken: task.taskToken, result: 'late' })
  const next = await after.swf.pollForActivityTask({ domain: DOMAIN, taskList: { name: lists[1]! } })
  expect(next).toMatchObject({ activityId: 'waiting', input: 'i', activityType })
  await after.swf.terminateWorkflowExecution({ domain: DOMAIN, workflowId: 'a-child' })
  const again = new Run(after.swf, busy.workflowId, busy.runId, busy.list)
  expect((await again.types()).slice(-3)).toEqual([
    'ActivityTaskCompleted',
    'ActivityTaskStarted',
    'ChildWorkflowExecutionTerminated',
  ])
  await again.decide(decide.cancelTimer('t'), decide.complete())
  expect((await new Run(after.swf, waiting.workflowId, waiting.runId, waiting.list).poll()).startedEventId).toBe(3)
})

test('what fell due while the server was down happens at once', async () => {
  const data = directory()
  const before = await open(data, true)
  const run = await before.start({ taskStartToCloseTimeout: '1' })
  const list = unique('beating')
  await run.decide(decide.timer('t', '1'), decide.schedule('a', { taskList: { name: list }, heartbeatTimeout: '1' }))
  const { taskToken } = await before.swf.pollForActivityTask({ domain: DOMAIN, taskList: { name: list } })
  await before.swf.recordActivityTaskHeartbeat({ taskToken, details: 'last' })
  const other = await before.start({ executionStartToCloseTimeout: '1' })
  await before.close()
  await new Promise(resolve => setTimeout(resolve, 1_100))

  const after = await open(data, false)
  const again = new Run(after.swf, run.workflowId, run.runId, run.list)
  await expect.poll(() => again.types(), { timeout: 3_000 }).toContain('ActivityTaskTimedOut')
  const events = await again.history()
  expect(events.slice(-3).map(event => event.eventType)).toEqual([
    'TimerFired',
    'DecisionTaskScheduled',
    'ActivityTaskTimedOut',
  ])
  expect(attributes(events.at(-1))).toMatchObject({ timeoutType: 'HEARTBEAT', details: 'last' })
  const closed = new Run(after.swf, other.workflowId, other.runId, other.list)
  expect((await closed.types()).at(-1)).toBe('WorkflowExecutionTimedOut')
})

test('a store that is in use is refused', async () => {
  const data = directory()
  const { ready, kill } = serve(data)
  const endpoint = await ready()
  await expect(createLocalSwf({ data })).rejects.toMatchObject({
    code: 'STORE_IN_USE',
    message: expect.stringContaining(join(data, 'swf.db')) as string,
  })
  expect((await fetch(endpoint)).status).toBe(400)
  await kill()
  await (await createLocalSwf({ data })).close()
})

test('a file that is no store, a damaged one and a newer one are refused', async () => {
  const data = directory()
  const file = join(data, 'swf.db')
  const refused = (code: string, message: RegExp) =>
    expect(createLocalSwf({ data })).rejects.toMatchObject({
      name: 'StoreError',
      code,
      message: expect.stringMatching(message) as string,
    })
  writeFileSync(file, 'nonsense, and no database '.repeat(1_000))
  await refused('STORE_DAMAGED', /is damaged/)
  rmSync(file)
  const foreign = new Database(file)
  foreign.exec('CREATE TABLE theirs (x)')
  foreign.close()
  await refused('STORE_NOT_OURS', /is not a store of the local SWF/)
  rmSync(file)
  const fixture = await open(data, true)
  const run = await fixture.start()
  for (let i = 0; i < 300; i++) await run.signal('s', 'x'.repeat(1_000))
  await fixture.close()
  const whole = readFileSync(file)

  truncateSync(file, whole.length / 2)
  await refused('STORE_DAMAGED', /is damaged/)

  writeFileSync(file, whole)
  const gap = new Database(file)
  gap.exec('DELETE FROM events WHERE key = (SELECT key FROM events LIMIT 1 OFFSET 9)')
  gap.close()
  await refused('STORE_DAMAGED', /is missing from its history/)

  writeFileSync(file, whole)
  const newer = new Database(file)
  newer.exec('PRAGMA user_version = 99')
  newer.close()
  await refused('STORE_TOO_NEW', /was written by a newer version: its format is 99/)
  const older = new Database(file)
  older.exec('PRAGMA user_version = 1')
  older.close()
  await refused('STORE_TOO_OLD', /was written by an older version: its format is 1/)

  writeFileSync(file, whole)
  await (await createLocalSwf({ data })).close()
})

test('a port that is taken is an error, and leaves the store free', async () => {
  const data = directory()
  const other = await createLocalSwf()
  cleanups.push(() => other.close())
  await expect(createLocalSwf({ data, port: other.port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  await (await createLocalSwf({ data })).close()
})

test('close answers open polls at once', async () => {
  const server = await createLocalSwf({ data: directory() })
  const swf = client(server.endpoint)
  cleanups.push(() => swf.destroy())
  await swf.registerDomain({ name: DOMAIN, workflowExecutionRetentionPeriodInDays: '1' })
  const poll = swf.pollForDecisionTask({ domain: DOMAIN, taskList: { name: 'l' } })
  await new Promise(resolve => setTimeout(resolve, 50))
  const before = Date.now()
  await Promise.all([server.close(), server.close()])
  expect((await poll).startedEventId).toBe(0)
  expect(Date.now() - before).toBeLessThan(5_000)
})

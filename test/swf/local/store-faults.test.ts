// Disks that fail: kill -9 proves nothing about writes and syncs that go wrong.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { RealClock } from '../../../src/swf/local/clock.js'
import { Engine } from '../../../src/swf/local/engine.js'
import { FileStore } from '../../../src/swf/local/file-store.js'
import { createLocalSwf } from '../../../src/swf/local/index.js'
import { Polls } from '../../../src/swf/local/polls.js'
import { listen } from '../../../src/swf/local/server.js'
import { RealTime } from '../../../src/swf/local/time.js'
import { afterFile } from '../../support/dispose.js'
import { checkHistory } from '../../support/history-checker.js'
import { tmpDir } from '../../support/tmp.js'
import { until } from '../../support/until.js'
import { DOMAIN, activityType, decide, workflowType } from './fixture.js'
import { registerAll } from './load.js'
import type { Refused } from './wire.js'
import { Wire } from './wire.js'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** Serves a durable store whose disk takes orders. */
async function serveFaulty(data: string) {
  const errors: Error[] = []
  const store = await FileStore.open(data, error => errors.push(error), here('./faulty-libsql.cjs'))
  const clock = new RealClock()
  const engine = new Engine({ clock, store, region: 'us-east-1' })
  await store.restore(engine)
  const polls = new Polls(60_000)
  const server = await listen({ engine, polls, time: new RealTime(clock) }, { host: '127.0.0.1', port: 0 })
  const wire = new Wire(`http://127.0.0.1:${server.port}`)
  const order = (orders: object) => writeFileSync(join(data, 'orders.json'), JSON.stringify(orders))
  let closed: Promise<void> | undefined
  const close = () =>
    (closed ??= (async () => {
      order({})
      await wire.close()
      polls.close()
      engine.timers.stop()
      await server.close()
      await store.close()
    })())
  afterFile(close)
  return { wire, errors, order, close }
}

interface Signaled {
  workflowId: string
  runId: string
  /** Signals that were sent, and that were answered. */
  sent: number
  answered: number
}

/** A client that starts executions and signals them until it gets no answer. */
async function load(wire: Wire, name: string, all: Signaled[]): Promise<void> {
  for (let n = 0; ; n++) {
    const workflowId = `${name}-${n}`
    const started = await wire.call<{ runId: string }>('StartWorkflowExecution', {
      domain: DOMAIN,
      workflowId,
      workflowType,
    })
    const run = { workflowId, runId: started.runId, sent: 0, answered: 0 }
    all.push(run)
    for (let i = 0; i < 5; i++) {
      run.sent++
      await wire.call('SignalWorkflowExecution', { domain: DOMAIN, workflowId, signalName: `${i}` })
      run.answered++
    }
  }
}

/** Holds what a store has now against what was answered. */
async function check(data: string, runs: readonly Signaled[], unansweredMayBeThere: boolean): Promise<void> {
  const again = await createLocalSwf({ data })
  const wire = new Wire(again.endpoint)
  try {
    for (const { workflowId, runId, sent, answered } of runs) {
      const events = await wire.history(DOMAIN, { workflowId, runId })
      expect(checkHistory(events)).toEqual([])
      const found = events.filter(({ eventType }) => eventType === 'WorkflowExecutionSignaled').length
      expect(found).toBeGreaterThanOrEqual(answered)
      expect(found).toBeLessThanOrEqual(unansweredMayBeThere ? sent : answered)
    }
    // It works again.
    await wire.call('StartWorkflowExecution', { domain: DOMAIN, workflowId: 'after', workflowType })
  } finally {
    await wire.close()
    await again.close()
  }
}

test.each([
  ['the sync of a commit', { fail: 'COMMIT', code: 'SQLITE_IOERR_FSYNC', after: 40 }],
  ['the sync of a commit that is on the disk', { fail: 'COMMIT', code: 'SQLITE_IOERR_FSYNC', after: 40, done: true }],
  ['the beginning of a commit', { fail: 'BEGIN IMMEDIATE', code: 'SQLITE_IOERR_WRITE', after: 20 }],
  ['a write in the middle of a commit', { fail: 'INSERT INTO events', code: 'SQLITE_FULL', after: 100 }],
  ['the first of all commits', { fail: 'COMMIT', code: 'SQLITE_IOERR_WRITE', after: 1 }],
])('when %s fails, nothing is answered after it, and all that was is there', async (_what, orders) => {
  const data = tmpDir('faulty')
  const { wire, errors, order, close } = await serveFaulty(data)
  await registerAll(wire)
  order(orders)
  const runs: Signaled[] = []
  const clients = Array.from({ length: 8 }, (_, n) => load(wire, `c${n}`, runs).catch(() => {}))
  await until(() => errors.length > 0, { what: 'the store fails' })
  // It is not tried again, by whatever comes now: a request, a read, a second failure.
  const late = [
    wire.call('SignalWorkflowExecution', { domain: DOMAIN, workflowId: 'c0-0', signalName: 'late' }),
    wire.call('StartWorkflowExecution', { domain: DOMAIN, workflowId: 'late', workflowType }),
    wire.call('CountClosedWorkflowExecutions', { domain: DOMAIN, closeTimeFilter: { oldestDate: 0 } }),
    wire.call('ListDomains', { registrationStatus: 'REGISTERED' }),
  ].map(answer => answer.then(() => 'answered').catch(() => 'broken off'))
  await delay(50)
  expect(errors).toHaveLength(1)
  expect(errors[0]).toMatchObject({
    name: 'StoreError',
    code: 'STORE_FAILED',
    message: expect.stringMatching(/swf\.db failed: disk I\/O error\. .+ has room .+ start again\.$/) as string,
  })
  await close()
  await Promise.all(clients)
  expect(await Promise.all(late)).not.toContain('answered')
  expect(existsSync(join(data, 'after-failure')) && readFileSync(join(data, 'after-failure'), 'utf8')).toBe(false)
  rmSync(join(data, 'orders.json'))
  await check(data, runs, 'done' in orders)
})

test('nothing is answered before it is written: no request, no poll, no read', async () => {
  const data = tmpDir('held')
  const { wire, order } = await serveFaulty(data)
  await registerAll(wire)
  const names = ['signaled', 'polled', 'decided', 'closed', 'worked', 'beating', 'failing', 'canceling']
  const list = (name: string) => ({ name })
  const runIds = new Map<string, string>()
  for (const workflowId of names) {
    const input = { domain: DOMAIN, workflowId, workflowType, taskList: list(workflowId) }
    runIds.set(workflowId, (await wire.call<{ runId: string }>('StartWorkflowExecution', input)).runId)
  }
  const pollDecision = (name: string) =>
    wire.call<{ taskToken: string }>('PollForDecisionTask', { domain: DOMAIN, taskList: list(name) })
  const pollActivity = (name: string) =>
    wire.call<{ taskToken: string }>('PollForActivityTask', { domain: DOMAIN, taskList: list(name) })
  const decided = await pollDecision('decided')
  const activities = new Map<string, string>()
  for (const name of ['worked', 'beating', 'failing', 'canceling', 'closed']) {
    const { taskToken } = await pollDecision(name)
    const decisions = [decide.schedule('a', { taskList: list(name) })]
    await wire.call('RespondDecisionTaskCompleted', { taskToken, decisions })
    if (name !== 'closed') activities.set(name, (await pollActivity(name)).taskToken)
  }
  const requests: [string, object][] = [
    ['RegisterDomain', { name: 'other', workflowExecutionRetentionPeriodInDays: '1' }],
    ['RegisterActivityType', { domain: DOMAIN, name: 'New', version: '1' }],
    ['RegisterWorkflowType', { domain: DOMAIN, name: 'New', version: '1' }],
    ['DeprecateActivityType', { domain: DOMAIN, activityType }],
    ['StartWorkflowExecution', { domain: DOMAIN, workflowId: 'new', workflowType }],
    ['SignalWorkflowExecution', { domain: DOMAIN, workflowId: 'signaled', signalName: 's' }],
    ['RequestCancelWorkflowExecution', { domain: DOMAIN, workflowId: 'signaled' }],
    ['TerminateWorkflowExecution', { domain: DOMAIN, workflowId: 'closed' }],
    ['RespondDecisionTaskCompleted', { taskToken: decided.taskToken, decisions: [decide.timer('t', '1')] }],
    ['RecordActivityTaskHeartbeat', { taskToken: activities.get('beating'), details: 'd' }],
    ['RespondActivityTaskCompleted', { taskToken: activities.get('worked') }],
    ['RespondActivityTaskFailed', { taskToken: activities.get('failing') }],
    ['RespondActivityTaskCanceled', { taskToken: activities.get('canceling') }],
    ['PollForDecisionTask', { domain: DOMAIN, taskList: list('polled') }],
    // These have seen what is not yet written.
    ['DescribeDomain', { name: 'other' }],
    ['ListDomains', { registrationStatus: 'REGISTERED' }],
    ['ListOpenWorkflowExecutions', { domain: DOMAIN, startTimeFilter: { oldestDate: 0 } }],
    ['CountClosedWorkflowExecutions', { domain: DOMAIN, closeTimeFilter: { oldestDate: 0 } }],
    [
      'GetWorkflowExecutionHistory',
      { domain: DOMAIN, execution: { workflowId: 'signaled', runId: runIds.get('signaled') } },
    ],
  ]
  const held = join(data, 'held')
  for (const [action, input] of requests) {
    order({ hold: true })
    rmSync(held, { force: true })
    // A write of somebody else, so that also what writes nothing has something to wait for.
    const other = wire.call('SignalWorkflowExecution', { domain: DOMAIN, workflowId: 'beating', signalName: 'other' })
    let answered = false
    const answer = wire.call(action, input).finally(() => (answered = true))
    await until(() => existsSync(held), { what: `${action} is being written`, every: 2 })
    await delay(15)
    expect(answered, action).toBe(false)
    order({})
    await Promise.all([other, answer])
  }

  // What comes while a commit is under way and writes nothing itself has seen what is not safe yet, too.
  order({ hold: true })
  rmSync(held)
  const write = wire.call('RegisterDomain', { name: 'third', workflowExecutionRetentionPeriodInDays: '1' })
  await until(() => existsSync(held), { what: 'a commit is under way', every: 2 })
  let answers = 0
  const reads = (
    [
      ['DescribeDomain', { name: 'third' }],
      ['ListClosedWorkflowExecutions', { domain: DOMAIN, closeTimeFilter: { oldestDate: 0 } }],
      ['RegisterDomain', { name: 'third', workflowExecutionRetentionPeriodInDays: '1' }],
    ] as const
  ).map(([action, input]) =>
    wire
      .call(action, input)
      .catch((error: Refused) => error.code)
      .finally(() => answers++),
  )
  await delay(50)
  expect(answers).toBe(0)
  order({})
  await write
  expect((await Promise.all(reads))[2]).toBe('DomainAlreadyExistsFault')
})

test('what waits behind a write that fails is not tried', async () => {
  const data = tmpDir('behind')
  const { wire, errors, order } = await serveFaulty(data)
  await registerAll(wire)
  order({ hold: true })
  const register = (name: string) =>
    wire.call('RegisterDomain', { name, workflowExecutionRetentionPeriodInDays: '1' }).catch(() => {})
  void register('failing')
  await until(() => existsSync(join(data, 'held')), { what: 'a commit is under way', every: 2 })
  void register('behind')
  // A read of the closed executions sends what has been noted before it at once.
  void wire
    .call('CountClosedWorkflowExecutions', { domain: DOMAIN, closeTimeFilter: { oldestDate: 0 } })
    .catch(() => {})
  await delay(50)
  order({ fail: 'COMMIT', code: 'SQLITE_IOERR_FSYNC', after: 1 })
  await until(() => errors.length > 0, { what: 'the store fails' })
  await delay(50)
  expect(existsSync(join(data, 'after-failure')) && readFileSync(join(data, 'after-failure'), 'utf8')).toBe(false)
})

test('a disk that takes no more ends the process with a message that says what to do', async () => {
  const data = tmpDir('full')
  const first = await createLocalSwf({ data })
  const setup = new Wire(first.endpoint)
  await registerAll(setup)
  await setup.close()
  await first.close()

  // A file may grow to 512 KB: the log reaches that first.
  const serve = `ulimit -f 1024; exec "${process.execPath}" --import @oxc-node/core/register "${here('./serve.ts')}" "${data}"`
  const child = spawn('sh', ['-c', serve], { stdio: ['ignore', 'pipe', 'pipe'] })
  afterFile(() => child.kill('SIGKILL'))
  let printed = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (printed += text))
  const [endpoint] = (await once(createInterface(child.stdout), 'line')) as [string]
  const ended = once(child, 'close') as Promise<[number]>
  const wire = new Wire(endpoint)
  const runs: Signaled[] = []
  await Promise.all(Array.from({ length: 8 }, (_, n) => load(wire, `c${n}`, runs).catch(() => {})))
  const [code] = await ended
  await wire.close()
  expect(code).not.toBe(0)
  expect(printed).toMatch(/StoreError: The store .+swf\.db failed: .+ start again\./)
  expect(runs.length).toBeGreaterThan(5)
  await check(data, runs, true)
})

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { act } from '../../../src/swf/local/actions.js'
import { Engine } from '../../../src/swf/local/engine.js'
import { Execution } from '../../../src/swf/local/execution.js'
import { FileStore } from '../../../src/swf/local/file-store.js'
import { MemoryStore } from '../../../src/swf/local/memory-store.js'
import { Polls } from '../../../src/swf/local/polls.js'
import type { Store } from '../../../src/swf/local/store.js'
import { VirtualClock } from '../../../src/swf/local/clock.js'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const DAY = 86_400_000
const caller = { alive: () => true, onGone: () => {} }

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'local-swf-'))
  cleanups.push(() => rmSync(path, { recursive: true }))
  return path
}

async function fileStore(onError: (error: Error) => void = () => {}, data = directory()): Promise<FileStore> {
  const store = await FileStore.open(data, onError)
  cleanups.push(() => store.close())
  return store
}

async function engine(store: Store, clock = new VirtualClock(), register = true) {
  const made = new Engine({ clock, store, region: 'us-east-1' })
  if (store instanceof FileStore) await store.restore(made)
  const context = { engine: made, polls: new Polls(10) }
  cleanups.push(() => {
    made.timers.stop()
    context.polls.close()
  })
  made.sweep()
  const call = async (action: string, input: object) => {
    const answer = await act(action, input, context, caller)
    return (typeof answer === 'string' ? JSON.parse(answer) : answer) as Record<string, unknown>
  }
  if (!register) return { clock, call }
  await call('RegisterDomain', { name: 'd', workflowExecutionRetentionPeriodInDays: '2' })
  await call('RegisterWorkflowType', {
    domain: 'd',
    name: 'W',
    version: '1',
    defaultTaskList: { name: 'l' },
    defaultTaskStartToCloseTimeout: 'NONE',
    defaultExecutionStartToCloseTimeout: '31536000',
    defaultChildPolicy: 'ABANDON',
  })
  return { clock, call }
}

describe.each([
  ['in memory', async () => new MemoryStore()],
  ['on disk', () => fileStore()],
])('%s', (_name, open) => {
  test('closed executions go when their days of retention are over', async () => {
    const { clock, call } = await engine(await open())
    const run = async (workflowId: string) => {
      const workflowType = { name: 'W', version: '1' }
      await call('StartWorkflowExecution', { domain: 'd', workflowId, workflowType, tagList: ['a', 'b', 'a'] })
      await call('TerminateWorkflowExecution', { domain: 'd', workflowId })
    }
    const kept = async (filter: object = {}) => {
      const input = { domain: 'd', closeTimeFilter: { oldestDate: 0 }, ...filter }
      return (await call('CountClosedWorkflowExecutions', input)).count
    }
    for (let i = 0; i < 250; i++) await run(`old-${i}`)
    clock.advance(DAY)
    await run('young')
    expect(await kept()).toBe(251)
    clock.advance(1.5 * DAY)
    await expect.poll(() => kept()).toBe(1)
    expect(await kept({ tagFilter: { tag: 'a' } })).toBe(1)
    expect(await kept({ typeFilter: { name: 'W' } })).toBe(1)
    expect(await kept({ closeStatusFilter: { status: 'TERMINATED' } })).toBe(1)
    expect(await kept({ executionFilter: { workflowId: 'young' } })).toBe(1)
    expect(await kept({ executionFilter: { workflowId: 'old-7' } })).toBe(0)
  })

  test('a timer of a year fires after a year', async () => {
    const { clock, call } = await engine(await open())
    const workflowType = { name: 'W', version: '1' }
    const { runId } = await call('StartWorkflowExecution', { domain: 'd', workflowId: 'w', workflowType })
    const { taskToken } = await call('PollForDecisionTask', { domain: 'd', taskList: { name: 'l' } })
    const attributes = { timerId: 't', startToFireTimeout: '31535000' }
    const decisions = [{ decisionType: 'StartTimer', startTimerDecisionAttributes: attributes }]
    await call('RespondDecisionTaskCompleted', { taskToken, decisions })
    const last = async () => {
      const execution = { workflowId: 'w', runId }
      const page = { reverseOrder: true, maximumPageSize: 2 }
      const { events } = await call('GetWorkflowExecutionHistory', { domain: 'd', execution, ...page })
      return (events as { eventType: string }[])[1]!.eventType
    }
    clock.advance(31_534_999_000)
    expect(await last()).toBe('DecisionTaskCompleted')
    clock.advance(1_000)
    expect(await last()).toBe('TimerFired')
  })
})

test('what retention lets go is gone from the disk, and a sweep that a stop has cut short is done at the next start', async () => {
  const data = directory()
  const store = await fileStore(undefined, data)
  const { clock, call } = await engine(store)
  for (const name of ['none', 'zero']) {
    const days = { none: 'NONE', zero: '0' }[name]
    await call('RegisterDomain', { name, workflowExecutionRetentionPeriodInDays: days })
    const times = { defaultTaskStartToCloseTimeout: 'NONE', defaultExecutionStartToCloseTimeout: '31536000' }
    const given = { ...times, defaultTaskList: { name: 'l' }, defaultChildPolicy: 'ABANDON' }
    await call('RegisterWorkflowType', { domain: name, name: 'W', version: '1', ...given })
  }
  const start = (domain: string, workflowId: string) =>
    call('StartWorkflowExecution', { domain, workflowId, workflowType: { name: 'W', version: '1' }, tagList: ['t'] })
  const terminate = (domain: string, workflowId: string) => call('TerminateWorkflowExecution', { domain, workflowId })
  const { runId } = await start('d', 'open')
  for (let i = 0; i < 350; i++) {
    await start('d', `old-${i}`)
    await terminate('d', `old-${i}`)
    if (i % 50 === 0) await store.read('SELECT 1', [])
  }
  for (const domain of ['none', 'zero']) {
    await start(domain, 'never-kept')
    await terminate(domain, 'never-kept')
  }
  clock.advance(2 * DAY - 3_600_000)
  await start('d', 'young')
  await terminate('d', 'young')
  const count = async (from: FileStore, table: string) =>
    (await from.read<{ count: number }>(`SELECT count(*) AS count FROM ${table}`, []))[0]!.count
  expect(await count(store, 'closed')).toBe(351)
  // The sweep that comes now is cut short by the stop.
  clock.advance(2 * 3_600_000)
  await store.close()

  const later = new VirtualClock()
  later.advance(clock.now() - later.now())
  const again = await fileStore(undefined, data)
  const { call: callAgain } = await engine(again, later, false)
  await expect.poll(() => count(again, 'closed')).toBe(1)
  expect(await count(again, 'open')).toBe(1)
  expect(await count(again, 'tagged')).toBe(1)
  expect(await count(again, 'events')).toBe(2)
  const { executionInfos } = await callAgain('ListClosedWorkflowExecutions', {
    domain: 'd',
    closeTimeFilter: { oldestDate: 0 },
  })
  expect(executionInfos).toMatchObject([{ execution: { workflowId: 'young' } }])
  const execution = { workflowId: 'open', runId }
  expect((await callAgain('GetWorkflowExecutionHistory', { domain: 'd', execution })).events).toHaveLength(2)
})

test('when a write fails, the error is told once and nothing is answered any more', async () => {
  const errors: Error[] = []
  const store = await fileStore(error => errors.push(error))
  await engine(store)
  const x = new Execution(1, 'd', 'w', 'r')
  let answered = 0
  store.started(x)
  store.afterCommit(() => answered++)
  await store.read('SELECT 1', [])
  expect(answered).toBe(1)
  store.started(x)
  store.afterCommit(() => answered++)
  await expect(store.read('SELECT 1', [])).rejects.toMatchObject({ code: 'STORE_FAILED' })
  store.afterCommit(() => answered++)
  expect(answered).toBe(1)
  expect(errors).toHaveLength(1)
  expect(errors[0]).toMatchObject({ name: 'StoreError', message: expect.stringMatching(/UNIQUE/) as string })
})

test('replies leave in order, and only when what came before them is written', async () => {
  const store = await fileStore()
  await engine(store)
  const order: string[] = []
  const count = () => store.read<{ count: number }>('SELECT count(*) AS count FROM open', [])
  for (let i = 1; i <= 50; i++) {
    store.started(new Execution(i, 'd', `w${i}`, `r${i}`))
    store.afterCommit(() => order.push(`reply ${i}`))
    if (i % 10 === 0) await new Promise(resolve => setImmediate(resolve))
  }
  expect((await count())[0]!.count).toBe(50)
  expect(order).toEqual(Array.from({ length: 50 }, (_, i) => `reply ${i + 1}`))
  let now = false
  store.afterCommit(() => (now = true))
  expect(now).toBe(true)
})

test('the store opens in a process whose flags are not for its thread', async () => {
  const data = mkdtempSync(join(tmpdir(), 'local-swf-'))
  cleanups.push(() => rmSync(data, { recursive: true }))
  const door = new URL('../../../src/swf/local/index.ts', import.meta.url)
  const script = `
    const { createLocalSwf } = await import(${JSON.stringify(door.href)})
    await (await createLocalSwf({ data: ${JSON.stringify(data)} })).close()
    console.log('closed')`
  const flags = ['--import', '@oxc-node/core/register', '--input-type=module', '-e', script]
  const cwd = fileURLToPath(new URL('../../../', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, flags, { cwd })
  expect(stdout).toBe('closed\n')
})

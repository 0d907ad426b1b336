// Stores that can not be used: a StoreError with a code, and a message that says what to do; never half a start.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type Libsql from 'libsql'
import { describe, expect, test } from 'vitest'
import { createLocalSwf } from '../../../src/swf/local/index.js'
import { afterFile } from '../../support/dispose.js'
import { checkHistory } from '../../support/history-checker.js'
import { tmpDir } from '../../support/tmp.js'
import { DOMAIN, decide, workflowType } from './fixture.js'
import { registerAll } from './load.js'
import { randomOf } from './random.js'
import type { WireEvent } from './wire.js'
import { Wire } from './wire.js'

const Database = createRequire(import.meta.url)('libsql') as typeof Libsql

type Execution = { workflowId: string; runId: string }

/** A store as a kill leaves it, its log unread, and the histories that it holds. */
const killed = await (async () => {
  const data = tmpDir('to-damage')
  const server = await createLocalSwf({ data })
  const wire = new Wire(server.endpoint)
  await registerAll(wire)
  const executions: Execution[] = []
  for (let n = 0; n < 20; n++) {
    const workflowId = `w${n}`
    const input = { domain: DOMAIN, workflowId, workflowType, taskList: { name: workflowId }, input: 'x'.repeat(1_500) }
    const { runId } = await wire.call<{ runId: string }>('StartWorkflowExecution', input)
    executions.push({ workflowId, runId })
    for (let i = 0; i < 4; i++) {
      await wire.call('SignalWorkflowExecution', {
        domain: DOMAIN,
        workflowId,
        signalName: 's',
        input: 'y'.repeat(900),
      })
    }
    if (n % 2) continue
    const task = { domain: DOMAIN, taskList: { name: workflowId } }
    const { taskToken } = await wire.call<{ taskToken: string }>('PollForDecisionTask', task)
    await wire.call('RespondDecisionTaskCompleted', { taskToken, decisions: [decide.complete('done')] })
  }
  const histories = await Promise.all(executions.map(execution => wire.history(DOMAIN, execution)))
  const image = tmpDir('killed')
  for (const name of readdirSync(data)) copyFileSync(join(data, name), join(image, name))
  await wire.close()
  await server.close()
  return { image, executions, histories }
})()

/** A copy of the store to damage. */
function copy(): { data: string; file: string; log: string } {
  const data = tmpDir('damaged')
  cpSync(killed.image, data, { recursive: true })
  return { data, file: join(data, 'swf.db'), log: join(data, 'swf.db-wal') }
}

/** A copy of the store after a clean stop: all in one file. */
async function stopped() {
  const store = copy()
  await (await createLocalSwf({ data: store.data })).close()
  return store
}

/** Looks into each index of the closed executions. */
function countAll(wire: Wire): Promise<unknown> {
  const filters = [
    {},
    { typeFilter: workflowType },
    { tagFilter: { tag: 't' } },
    { closeStatusFilter: { status: 'COMPLETED' } },
    { executionFilter: { workflowId: 'w0' } },
  ]
  const inputs = filters.flatMap(filter =>
    ['startTimeFilter', 'closeTimeFilter'].map(time => ({ domain: DOMAIN, [time]: { oldestDate: 0 }, ...filter })),
  )
  return Promise.all(inputs.map(input => wire.call('CountClosedWorkflowExecutions', input)))
}

/** Opens the store: reads back all of it, or says with which error it was refused, or gave up. Returns the histories. */
async function open(data: string): Promise<WireEvent[][] | Error> {
  let fail = (_error: Error) => {}
  const failed = new Promise<Error>(resolve => (fail = resolve))
  let server
  try {
    server = await createLocalSwf({ data, onError: fail })
  } catch (error) {
    return error as Error
  }
  const wire = new Wire(server.endpoint)
  const histories = countAll(wire).then(() =>
    Promise.all(killed.executions.map(execution => wire.history(DOMAIN, execution))),
  )
  histories.catch(() => {})
  try {
    return await Promise.race([histories, failed])
  } finally {
    await wire.close()
    await server.close()
  }
}

function expectRefused(found: unknown, code: string, words: RegExp): void {
  expect(found).toMatchObject({ name: 'StoreError', code, message: expect.stringMatching(words) as string })
  expect((found as Error).message).toMatch(/(?:directory|start again|nothing)\.$/)
}

test('the log of a killed server is read', async () => {
  const { data, log } = copy()
  expect(readFileSync(log).length).toBeGreaterThan(100_000)
  expect(await open(data)).toEqual(killed.histories)
})

const FRAME = 24 + 4_096
describe.each<[string, (log: Buffer) => Buffer | void]>([
  ['whose header is overwritten', log => void log.fill(0xaa, 0, 32)],
  ['whose first salt is overwritten', log => void log.fill(0xaa, 16, 20)],
  ['that is nonsense', log => void log.fill('nonsense')],
  ['whose first frame is overwritten', log => void log.fill(0xaa, 32, 32 + FRAME)],
  ['with one wrong bit in its middle', log => void (log[32 + 9 * FRAME + 2_000]! ^= 1)],
  ['with a hole', log => void log.fill(0, 32 + 5 * FRAME, 32 + 8 * FRAME)],
])('a log %s', (_what, damage) => {
  test('is refused, again and again', async () => {
    const { data, log } = copy()
    const bytes = readFileSync(log)
    damage(bytes)
    writeFileSync(log, bytes)
    for (let i = 0; i < 2; i++) expectRefused(await open(data), 'STORE_DAMAGED', /is damaged: its log .+swf\.db-wal/)
    expect(readFileSync(log).equals(bytes)).toBe(true)
  })
})

test('a log whose end a crash has torn is read up to there', async () => {
  const { data, log } = copy()
  const bytes = readFileSync(log)
  // The last transaction is torn: it was never answered.
  writeFileSync(log, bytes.subarray(0, bytes.length - 100))
  const found = (await open(data)) as WireEvent[][]
  const events = (histories: WireEvent[][]) => histories.flat().length
  expect(events(found)).toBeLessThanOrEqual(events(killed.histories))
  for (const history of found) expect(checkHistory(history)).toEqual([])
})

test('a file cut anywhere is refused', async () => {
  const { data, file } = await stopped()
  const whole = readFileSync(file)
  for (const size of [1, 50, 100, 4_095, 4_096, 4_097, 40_960, 100_000, whole.length - 4_096, whole.length - 1]) {
    writeFileSync(file, whole.subarray(0, size))
    expectRefused(await open(data), 'STORE_DAMAGED', /is damaged/)
  }
})

test.each([11, 12, 13, 14, 15, 16])(
  'seed %i: an overwritten page stops the store at the latest when it is read',
  async seed => {
    const random = randomOf(seed)
    const { data, file } = await stopped()
    const whole = readFileSync(file)
    const page = Math.floor((random() * whole.length) / 4_096)
    const bytes = Buffer.from(whole)
    for (let i = 0; i < 4_096; i++) bytes[page * 4_096 + i] = Math.floor(random() * 256)
    writeFileSync(file, bytes)
    expectRefused(await open(data), 'STORE_DAMAGED', /is damaged/)
  },
)

test('a database of others with our name, or without our tables, is refused and left as it was', async () => {
  const data = tmpDir('foreign')
  const file = join(data, 'swf.db')
  const foreign = new Database(file)
  foreign.exec('PRAGMA journal_mode = WAL; CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)')
  foreign.close()
  const bytes = readFileSync(file)
  expectRefused(await open(data), 'STORE_NOT_OURS', /is not a store of the local SWF: .+ another directory\.$/)
  expect(readFileSync(file).equals(bytes)).toBe(true)

  const ours = await stopped()
  const damaged = new Database(ours.file)
  damaged.exec('DROP VIEW histories; DROP TABLE events')
  damaged.close()
  expectRefused(await open(ours.data), 'STORE_DAMAGED', /no such table/)
})

test('a store that this process uses itself is refused', async () => {
  const data = tmpDir('twice')
  const server = await createLocalSwf({ data })
  expectRefused(await open(data), 'STORE_IN_USE', /is in use: .+ another directory\.$/)
  await server.close()
})

test('a directory that is a file, or whose database is a directory, is refused', async () => {
  const data = tmpDir('odd')
  writeFileSync(join(data, 'file'), '')
  expectRefused(await open(join(data, 'file')), 'STORE_FAILED', /EEXIST.+ start again\.$/)
  expectRefused(await open(join(data, 'file', 'below')), 'STORE_FAILED', /ENOTDIR.+ start again\.$/)
  mkdirSync(join(data, 'swf.db'))
  expectRefused(await open(data), 'STORE_FAILED', /swf\.db failed: .+ start again\.$/)
})

test('a directory without the rights to it is refused', async () => {
  const parent = tmpDir('rights')
  chmodSync(parent, 0o755)
  const cases: Record<string, (path: string) => void> = {
    unreachable: path => chmodSync(path, 0o000),
    'not-writable': path => chmodSync(path, 0o555),
    'file-not-writable': path => {
      cpSync(killed.image, path, { recursive: true })
      for (const name of readdirSync(path)) chmodSync(join(path, name), 0o444)
    },
  }
  for (const [name, prepare] of Object.entries(cases)) {
    const path = join(parent, name)
    mkdirSync(path, { mode: 0o755 })
    prepare(path)
    afterFile(() => chmodSync(path, 0o755))
    const serve = fileURLToPath(new URL('./serve.ts', import.meta.url))
    // Nobody's rights, for root may do everything.
    const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
    const child = spawn(process.execPath, ['--import', '@oxc-node/core/register', serve, path], {
      stdio: ['ignore', 'ignore', 'pipe'],
      ...nobody,
    })
    afterFile(() => child.kill('SIGKILL'))
    let printed = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (printed += text))
    const [code] = (await once(child, 'close')) as [number]
    expect(code, name).toBe(1)
    expect(printed, name).toMatch(
      /StoreError: The store .+swf\.db failed: .+ may be written to by this user, and start again\./,
    )
  }
})

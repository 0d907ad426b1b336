// `swf-gateway replay` and `swf-gateway execution history`, as a user runs them.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { defineActivity, defineSignal, defineWorkflow } from '../../src/workflow/index.js'
import { implement, testEnvironment, type TestEnvironment } from '../../src/testing/index.js'
import { startCli } from '../support/process.js'
import { tmpDir } from '../support/tmp.js'

const note = defineActivity<string, string>('Note', '1', {})
const go = defineSignal('go')
const notes = defineWorkflow('Notes', '1', {}, async (text: string) => {
  await note(text)
  await go.receive()
  return note('again')
})

/** An app, compiled, whose workflow is this code. */
function app(directory: string, name: string, body: string): string {
  const file = join(directory, `${name}.mjs`)
  writeFileSync(
    file,
    `import { defineActivity, defineSignal, defineWorkflow, sleep } from ${JSON.stringify(resolve('dist/workflow/index.js'))}
     const note = defineActivity('Note', '1', {})
     const other = defineActivity('Other', '1', {})
     const go = defineSignal('go')
     export const workflows = [defineWorkflow('Notes', '1', {}, async text => { ${body} })]`,
  )
  return file
}
const SAME = "await note(text); await go.receive(); return note('again')"

const directory = tmpDir('replay')
const histories = join(directory, 'histories')
let env: TestEnvironment
beforeAll(async () => {
  mkdirSync(histories)
  env = await testEnvironment({ workflows: [notes], handlers: [implement(note, async text => text)] })
  const execution = await env.start(notes, 'closed', { workflowId: 'closed' })
  await execution.signal(go, undefined)
  await execution.result()
  await env.start(notes, 'open', { workflowId: 'open' })
  await env.advance('1s')
})
afterAll(() => env.close())

async function cli(...args: string[]): Promise<{ code: number | null; output: string }> {
  const process = startCli(args)
  const { code } = await process.exited
  return { code, output: process.output() }
}
const swf = () => ['--endpoint', env.local.endpoint, '--transport', 'http', '--domain', env.domain]

test('a history is recorded, open or closed, and replayed against the code', async () => {
  for (const id of ['open', 'closed']) {
    const out = join(histories, 'made', `${id}.json`)
    const { code, output } = await cli('execution', 'history', ...swf(), '--workflow-id', id, '--out', out)
    expect(output).toMatch(new RegExp(`${id}\\.json: \\d+ events of ${id}`))
    expect(code).toBe(0)
    expect(JSON.parse(readFileSync(out, 'utf8'))).toMatchObject({ execution: { workflowId: id } })
  }
  const { code, output } = await cli('replay', '--app', app(directory, 'same', SAME), '--histories', histories)
  expect(output).toMatch(/fits .*closed\.json: Notes 1, \d+ events/)
  expect(output).toContain('2 fit, 0 do not')
  expect(code).toBe(0)
})

test('code that does not fit is told, with the event, and the exit code is 1', async () => {
  const changed = app(directory, 'changed', "await other(text); await go.receive(); return note('again')")
  const { code, output } = await cli('replay', '--app', changed, '--histories', join(histories, 'made', 'closed.json'))
  expect(output).toMatch(/DIFFERS .*closed\.json: Notes 1, event \d+: divergence: .*Other/)
  expect(code).toBe(1)
})

test('what is open now is replayed', async () => {
  const same = await cli('replay', '--app', app(directory, 'same', SAME), '--open', ...swf())
  expect(same.output).toContain('1 fit, 0 do not')
  expect(same.code).toBe(0)
  const longer = app(directory, 'longer', `await sleep('1m'); ${SAME}`)
  const changed = await cli('replay', '--app', longer, '--open', ...swf())
  expect(changed.output).toMatch(/DIFFERS {2}open: Notes 1/)
  expect(changed.code).toBe(1)
})

test('an unknown type, a broken file and no history at all', async () => {
  const broken = join(directory, 'broken')
  mkdirSync(broken)
  const same = app(directory, 'same', SAME)
  const none = await cli('replay', '--app', same, '--histories', broken)
  expect(none.output).toContain('NO_HISTORIES')
  expect(none.code).toBe(2)
  writeFileSync(join(broken, 'a.json'), '{')
  const text = readFileSync(join(histories, 'made', 'closed.json'), 'utf8')
  writeFileSync(join(broken, 'b.json'), text.replaceAll('"name":"Notes"', '"name":"Gone"'))
  const { code, output } = await cli('replay', '--app', same, '--histories', broken)
  expect(output).toMatch(/BROKEN .*a\.json: The history is not JSON/)
  expect(output).toMatch(/b\.json: the app has no workflow Gone 1/)
  expect(code).toBe(1)
  expect((await cli('replay', '--app', same)).output).toContain('Give --histories or --open')
  const absent = await cli('execution', 'history', ...swf(), '--workflow-id', 'nobody')
  expect(absent.output).toContain('There is no execution nobody')
  expect(absent.code).toBe(1)
})

// The approval example on the real stack, whose worker and decider are killed in the middle: everything is paid and archived,
// and each effect has one key.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { DevState } from '../../src/cli/dev.js'
import { startCli } from '../support/process.js'
import { tmpDir } from '../support/tmp.js'
import { until } from '../support/until.js'

const ITEMS = 20
const RECEIPTS = 3_000

test('a report of twenty items and a year of receipts survive kills of worker and decider', async () => {
  const directory = tmpDir('approval')
  const [data, ledger] = [join(directory, 'data'), join(directory, 'ledger.jsonl')]
  const ports = ['gateway', 'decider', 'worker', 'swf'].flatMap(name => [`--${name}-port`, '0'])
  const dev = startCli(['dev', '--app', 'examples/dist/approval/app.js', '--data', data, ...ports], {
    env: { OFFICE_LEDGER: ledger },
  })
  await dev.line('Ctrl-C stops everything', { within: 30_000 })
  const state = () => JSON.parse(readFileSync(join(data, 'dev.json'), 'utf8')) as DevState
  const graphql = async (query: string, variables: object = {}) => {
    const response = await fetch(state().endpoints.graphql, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    })
    const { data, errors } = (await response.json()) as { data: any; errors?: { message: string }[] }
    if (errors) throw new Error(errors[0]!.message)
    return data
  }
  const START = 'mutation($input: StartExecutionInput!) { startExecution(input: $input) { created } }'
  const SIGNAL = 'mutation($input: SignalExecutionInput!) { signalExecution(input: $input) { execution { status } } }'
  const SHOW = 'query($id: String!) { execution(workflowId: $id) { status state result { value } } }'
  const show = async (id: string) => (await graphql(SHOW, { id })).execution

  const items = Array.from({ length: ITEMS }, (_, n) => ({ id: `i${n}`, what: 'something', amount: 100 + n }))
  const report = { id: 'r', employee: 'ada', approver: 'grace', manager: 'edsger', items }
  await graphql(START, { input: { workflowId: 'r', type: 'ExpenseApproval', input: report } })
  await graphql(START, { input: { workflowId: 'year', type: 'ArchiveYear', input: { year: 2026 } } })

  const kill = async (name: 'worker' | 'decider') => {
    const pid = state().processes[name]!.pid!
    process.kill(pid, 'SIGKILL')
    await until(() => ![undefined, pid].includes(state().processes[name]?.pid), { what: `${name} is started again` })
  }
  const count = (kind: string) => effects(ledger).filter(effect => effect.kind === kind).length
  await until(() => count('archived') > 300, { what: 'receipts are archived', within: 60_000 })
  await kill('worker')
  for (const { id } of items) {
    const input = { approved: true, by: 'grace' }
    await until(
      () =>
        graphql(SIGNAL, {
          input: { execution: { workflowId: `r.${id}` }, signalName: 'decided', input, idempotencyKey: id },
        }).then(
          () => true,
          () => false,
        ),
      { what: `${id} is decided`, within: 60_000 },
    )
  }
  await until(() => count('archived') > 1_500, { what: 'more receipts are archived', within: 120_000 })
  await kill('decider')

  await until(async () => (await show('r')).status !== 'OPEN', { what: 'the report closes', within: 120_000 })
  await until(async () => !['OPEN', 'CONTINUED_AS_NEW'].includes((await show('year')).status), {
    what: 'the year closes',
    within: 300_000,
  })
  expect(await show('r')).toMatchObject({ status: 'COMPLETED', state: { open: 0, paid: ITEMS } })
  expect(await show('year')).toMatchObject({ status: 'COMPLETED', result: { value: { year: 2026 } } })
  expect(count('paid')).toBe(ITEMS)
  const archived = effects(ledger).filter(({ kind }) => kind === 'archived')
  expect(archived).toHaveLength(RECEIPTS)
  expect(new Set(archived.map(({ what }) => what)).size).toBe(RECEIPTS)
  await dev.stop()
}, 600_000)

/** The effects, one for each key. */
function effects(file: string): { kind: string; key: string; what: string }[] {
  let text = ''
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return []
  }
  const entries = text
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line) as { kind: string; key: string; what: string })
  return [...new Map(entries.map(entry => [entry.key, entry])).values()]
}

import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LogWatch } from '../../src/cli/dev-log.js'
import { tmpDir } from '../support/tmp.js'

test('errors that are logged from now on are shown, whole lines only, also when the file begins anew', () => {
  const path = join(tmpDir('log'), 'decider.log')
  const line = (level: number, fields: object) => `${JSON.stringify({ level, ...fields })}\n`
  writeFileSync(path, line(50, { message: 'old' }))
  const shown: string[] = []
  const watch = new LogWatch([path, `${path}.absent`], text => shown.push(text))
  appendFileSync(path, line(30, { message: 'fine' }) + 'no JSON\n')
  const stuck = { message: 'execution is stuck', workflowId: 'w-1', reason: 'TypeError: no', location: 'a.ts:1:2' }
  const text = line(50, stuck)
  appendFileSync(path, text.slice(0, 20))
  watch.look()
  expect(shown).toEqual([])
  appendFileSync(path, text.slice(20))
  watch.look()
  expect(shown).toEqual(['decider: w-1: execution is stuck: TypeError: no at a.ts:1:2'])
  writeFileSync(path, line(60, { message: 'anew', err: { message: 'gone' } }))
  watch.stop()
  expect(shown.slice(1)).toEqual(['decider: anew: gone'])
})

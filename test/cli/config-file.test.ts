import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { expect, test } from 'vitest'
import { applyConfigFile } from '../../src/cli/config-file.js'
import { workerCommand } from '../../src/cli/worker.js'
import { tmpDir } from '../support/tmp.js'

/** The options of a worker that finds this in its file, with these flags. */
function options(file: object, ...flags: string[]): Record<string, unknown> {
  const path = join(tmpDir('config'), 'file.json')
  writeFileSync(path, JSON.stringify(file))
  let read: Record<string, unknown> = {}
  const command = workerCommand().action((_options: unknown, self: Command) => void (read = self.opts()))
  const program = new Command('swf-gateway').hook('preAction', (_program, called) => applyConfigFile(called))
  program.addCommand(command.exitOverride().configureOutput({ writeErr: () => {} })).exitOverride()
  program.parse(['worker', '--app', 'app.js', '--config', path, ...flags], { from: 'user' })
  return read
}

test('a file gives settings of queues as they are, and a flag goes first', () => {
  const queues = { payments: { concurrency: 5, rateLimit: { tasks: 10, per: '1s' }, startPaused: true } }
  expect(options({ queues, concurrency: 7 })).toMatchObject({ queues, concurrency: 7 })
  expect(options({ queues }, '--queues', '{}')).toMatchObject({ queues: {} })
  expect(() => options({ queues: { payments: { concurrency: -5 } } })).toThrow('queues.payments: concurrency must be')
})

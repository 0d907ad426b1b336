// A process that is told to stop before it is ready: it ends at once and well, whatever it was loading.

import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { CLI, start, startCli } from '../support/process.js'
import { tmpDir } from '../support/tmp.js'
import { until } from '../support/until.js'

const APP = 'examples/dist/order-saga/app.js'
const NOWHERE = ['--endpoint', 'http://127.0.0.1:1', '--redis', 'redis://127.0.0.1:1']

/** An app that never finishes to load. */
const endless = join(tmpDir('app'), 'endless.mjs')
writeFileSync(
  endless,
  `process.stdout.write('loading\\n')
setInterval(() => {}, 1_000)
await new Promise(() => {})`,
)

const SERVICES: Record<string, string[]> = {
  gateway: ['gateway', '--port', '0', ...NOWHERE],
  decider: ['decider', '--port', '0', '--app', APP, ...NOWHERE],
  worker: ['worker', '--port', '0', '--app', APP, ...NOWHERE],
  'local-swf': ['local-swf', '--port', '0', '--in-memory'],
  dev: ['dev', '--app', APP, ...['gateway', 'decider', 'worker', 'swf'].flatMap(name => [`--${name}-port`, '0'])],
}

test.each(Object.keys(SERVICES))(
  '%s stops at every moment of its start',
  async name => {
    for (const moment of [0, 30, 60, 100, 200, 400, 700, 1_000, 1_500, 2_500]) {
      const process = startCli([...SERVICES[name]!, ...(name === 'dev' ? ['--data', join(tmpDir('dev'), 'data')] : [])])
      await delay(moment)
      const { code, signal } = await process.stop()
      // Before Node runs its first line, the system ends it.
      expect([0, 'SIGTERM'], `after ${moment} ms: ${process.output()}`).toContain(signal ?? code)
      expect(
        process
          .output()
          .split('\n')
          .filter(
            line => /"level":[56]0|^swf-gateway:/.test(line) && !line.includes('polling stops until redis is well'),
          ),
      ).toEqual([])
    }
  },
  90_000,
)

test('a service that is stopped while its app loads ends well; what had work to do says that it is not done', async () => {
  for (const [verb, code] of [
    ['decider', 0],
    ['worker', 0],
    ['dev', 0],
    ['register', 143],
  ] as const) {
    const process = startCli([verb, '--app', endless])
    await process.line('loading')
    expect(await process.stop(), verb).toEqual({ code, signal: null })
  }
})

test('as process 1, to which the system does nothing of its own, it hears a stop as well', async context => {
  const namespace = ['--map-root-user', '--pid', '--fork', '--mount-proc', '--kill-child']
  if (spawnSync('unshare', [...namespace, 'true']).status !== 0)
    return context.skip('this system gives a test no process ids of its own')
  const outer = start('unshare', [...namespace, process.execPath, CLI, 'decider', '--app', endless])
  await outer.line('loading')
  const children = () => readFileSync(`/proc/${outer.pid}/task/${outer.pid}/children`, 'utf8').trim()
  process.kill(Number(await until(children, { what: 'process 1 is there' })), 'SIGTERM')
  expect(await outer.exited).toEqual({ code: 0, signal: null })
})

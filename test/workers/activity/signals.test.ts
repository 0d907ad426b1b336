import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { HANDED_BACK } from '../../../src/swf/failure.js'
import { startCli } from '../../support/process.js'
import { testRedis } from '../../support/redis.js'
import { DOMAIN, stage } from './stage.js'

const redis = testRedis()
const { endpoint, execution, prefix } = await stage(redis)
const app = fileURLToPath(new URL('./fixtures/app.mjs', import.meta.url))
const worker = (...more: string[]) => {
  const where = ['--domain', DOMAIN, '--endpoint', endpoint, '--redis', redis.url, '--prefix', prefix, '--port', '0']
  return startCli(['worker', '--app', app, ...where, ...more])
}

test('SIGTERM: a handler is told, then stopped, its task given back, and the worker exits with 0', async () => {
  const run = await execution()
  const process = worker('--drain', '500ms')
  await run.schedule({ a: {} })
  await process.line('handler: begun')
  const ended = process.kill('SIGTERM')
  await process.line('handler: shutting down')
  await process.line('handler: SHUTDOWN')
  expect(await ended).toEqual({ code: 0, signal: null })
  expect(await run.closed('a')).toMatchObject({ eventType: 'ActivityTaskFailed', reason: HANDED_BACK })
})

test('a second SIGTERM ends a worker at once, whatever its handlers do', async () => {
  const run = await execution()
  const process = worker('--drain', '1h')
  await run.schedule({ a: {} })
  await process.line('handler: begun')
  void process.kill('SIGTERM')
  await process.line('handler: shutting down')
  const { code } = await process.kill('SIGTERM')
  expect(code).toBe(1)
  expect(process.output()).not.toContain('handler: SHUTDOWN')
})

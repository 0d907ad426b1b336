// What stands around a whole run of tests: a folder of its own, one Redis, and the proof that nothing is left running.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { findRedis, startRedis } from '../../scripts/redis.mjs'
import { scrubbed } from './environment.js'
import { leftRunning } from './left-running.js'

/** Test files that use the shared Redis at the same time or one after another, at most. */
const DATABASES = 1_024
const GRACE = 3_000

declare module 'vitest' {
  interface ProvidedContext {
    run: { folder: string; redisUrl: string; databases: number }
  }
}

export default async function globalSetup(project: TestProject): Promise<() => Promise<void>> {
  // The workers inherit this: nobody's Redis, nobody's AWS account, and one place for all temporary files.
  const folder = mkdtempSync(join(tmpdir(), 'swf-gateway-test-'))
  for (const name of Object.keys(process.env)) if (!(name in scrubbed())) delete process.env[name]
  Object.assign(process.env, scrubbed(), { TMPDIR: folder })
  mkdirSync(join(folder, 'databases'))
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  process.on('exit', remove)

  const redis = await startRedis({
    found: await findRedis({ ignoreUrl: true }),
    dir: join(folder, 'redis'),
    persistence: 'none',
    databases: DATABASES,
  })
  project.provide('run', { folder, redisUrl: redis.url, databases: DATABASES })

  return async () => {
    await redis.stop()
    let left = leftRunning(folder)
    for (const deadline = Date.now() + GRACE; left.length > 0 && Date.now() < deadline; left = leftRunning(folder))
      await new Promise(again => setTimeout(again, 50))
    for (const { pid } of left) kill(pid)
    remove()
    if (left.length === 0) return
    // vitest prints what a teardown throws, and exits with 0 all the same.
    process.exitCode = 1
    throw new Error(
      `Tests left processes running:\n${left.map(({ pid, command }) => `  ${pid} ${command}`).join('\n')}`,
    )
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // it has just ended
  }
}

// Runs one benchmark of test/bench, on the build of the sources as they are: npm run bench -- NAME

import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, setupOrExit } from './setup.mjs'

const folder = join(ROOT, 'test', 'bench')
const [name, ...args] = process.argv.slice(2)
const names = (existsSync(folder) ? readdirSync(folder) : [])
  .filter(file => file.endsWith('.ts'))
  .map(file => file.slice(0, -3))

if (!names.includes(name)) {
  console.error(`npm run bench -- NAME, where NAME is one of: ${names.join(', ') || '(there is none yet)'}`)
  process.exit(1)
}

delete process.env.REDIS_URL
await setupOrExit({ ignoreUrl: true })
const hooks = ['@oxc-node/core/register', './test/bench/built.mjs'].flatMap(hook => ['--import', hook])
const child = spawn(process.execPath, [...hooks, join(folder, `${name}.ts`), ...args], { cwd: ROOT, stdio: 'inherit' })
// Ctrl-C reaches it too.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => child.kill('SIGTERM'))
child.on('close', (code, signal) => {
  process.exitCode = signal ? 1 : code
})

// Everything that CI checks: set-up, then types, lint and format beside each other, then the tests.
//
//   npm test                    all of it
//   npm test -- test/workflow   arguments go to vitest

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { ROOT, setupOrExit } from './setup.mjs'

// Tests never touch a Redis that is somebody's.
delete process.env.REDIS_URL

const bin = (...path) => join(ROOT, 'node_modules', ...path)
const CHECKS = [
  {
    title: 'types',
    mend: 'npx tsc --noEmit',
    args: [bin('typescript', 'bin', 'tsc'), '-p', 'tsconfig.json', '--noEmit'],
  },
  { title: 'lint', mend: 'npm run lint', args: [bin('oxlint', 'bin', 'oxlint'), '--deny-warnings'] },
  {
    title: 'format',
    mend: 'npm run format',
    args: [
      bin('prettier', 'bin', 'prettier.cjs'),
      ...['--check', '--log-level', 'warn', '.'],
      ...['--cache', '--cache-strategy', 'content', '--cache-location', '.cache/prettier'],
    ],
  },
]

await setupOrExit({ ignoreUrl: true })
const passed = await Promise.all(CHECKS.map(check))
if (passed.includes(false)) process.exit(1)

const vitest = spawn(process.execPath, [bin('vitest', 'vitest.mjs'), 'run', ...process.argv.slice(2)], {
  cwd: ROOT,
  stdio: 'inherit',
})
// Ctrl-C reaches vitest too, which ends in its own way and we with it.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => vitest.kill('SIGTERM'))
vitest.on('close', (code, signal) => {
  process.exitCode = signal ? 1 : code
})

/** Runs one check and says how it went: what it printed is shown only when it failed. */
async function check({ title, mend, args }) {
  const started = Date.now()
  const { code, output } = await new Promise(done => {
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', data => (output += data))
    child.stderr.on('data', data => (output += data))
    child.on('error', error => done({ code: 1, output: error.message }))
    child.on('close', code => done({ code, output }))
  })
  const took = `${((Date.now() - started) / 1_000).toFixed(1)} s`
  if (code === 0) console.log(`✓ ${title} ${took}`)
  else console.log(`✗ ${title} ${took}: ${mend}\n${output.trimEnd()}\n`)
  return code === 0
}

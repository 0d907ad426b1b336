// What every npm script runs first: dependencies, build, Redis. Says nothing and costs little when all is in place.
//
//   node scripts/setup.mjs            dependencies, build and Redis, each only if needed
//   node scripts/setup.mjs --build    dependencies if needed, and a build in any case; no Redis
//   node scripts/setup.mjs --private-redis   the same as without, and REDIS_URL does not count
//
// S1. Needs nothing but Node: it runs in a bare clone.
// S2. What was done is noted only after it was done, so that a set-up cut short is done again.

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const OLDEST_NODE = [20, 19]

/** A step of the set-up failed; the message says what to do. */
export class SetupFailed extends Error {
  name = 'SetupFailed'
}

/** Brings a clone into a state in which it can be run and tested. */
export async function setup({ root, build = false, redis = true, ignoreUrl = false, say = toStderr }) {
  requireNode()
  const steps = [dependencies(root), ...builds(root).map(step => ({ ...step, forced: build }))]
  if (steps.some(isDue)) {
    const { withLock } = await import('./lock.mjs')
    await withLock(
      join(root, '.cache', 'setup.lock'),
      async () => {
        // Looked at anew, one by one: another set-up may have done it while we waited, and a step may need the one before.
        for (const step of steps) if (isDue(step)) await timed(step, say)
      },
      holder => say(`waiting for another set-up in this clone (process ${holder}) …\n`),
    )
  }
  if (redis) await findPrivateRedis({ ignoreUrl, say })
}

const isDue = step => (step.forced && step.hasSources()) || !step.isDone()

/** `npm ci`, when the lockfile or the machine is another than that of the last time. */
export function dependencies(root) {
  const note = join(root, 'node_modules', '.swf-gateway-lock')
  const wanted = () => `${digest(readFileSync(join(root, 'package-lock.json')))} ${process.platform}-${process.arch}\n`
  return {
    title: 'installing dependencies',
    isDone: () => readIfThere(note) === wanted(),
    async run() {
      const lock = wanted()
      const { command, args } = npm()
      const options = ['ci', '--include=dev', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
      await exec(command, [...args, ...options], {
        cwd: root,
        failed: 'npm ci failed. With the network reachable, run it by hand to see more',
      })
      writeFileSync(note, lock)
    },
  }
}

/** What is compiled, in order. Each step knows its sources and what becomes of them. */
export function builds(root) {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const package_ = build(root, {
    title: 'building the package',
    folder: 'src',
    output: 'dist',
    also: ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'],
    command: [tsc, '-p', 'tsconfig.build.json'],
  })
  const examples = build(root, {
    title: 'building the examples',
    folder: 'examples',
    output: 'examples/dist',
    // The package's declarations are what the examples are compiled against.
    also: ['tsconfig.json', 'package-lock.json', ...package_.sources()],
    command: [tsc, '-p', 'examples/tsconfig.json'],
  })
  if (!existsSync(join(root, 'console', 'index.html'))) return [package_, examples]
  const page = build(root, {
    title: 'building the console',
    folder: 'console',
    output: 'dist/console',
    also: ['package-lock.json'],
    command: [join(root, 'node_modules', 'vite', 'bin', 'vite.js'), 'build', 'console', '--logLevel', 'warn'],
    isBundle: true,
  })
  return [package_, examples, page]
}

function build(root, { title, folder, output, also, command, isBundle = false }) {
  const stamp = join(root, '.cache', 'built', `${output.replaceAll('/', '-')}.json`)
  const sources = () => filesOf(root, folder).filter(file => !within(file, output))
  const hasSources = () => isBundle || sources().some(file => file.endsWith('.ts'))
  const state = () => {
    const files = [...sources(), ...also].filter(file => existsSync(join(root, file)))
    return Object.fromEntries(files.map(file => [file, identity(join(root, file))]))
  }
  const outputsOf = file => (isBundle ? [] : madeFrom(relative(folder, file)).map(made => join(root, output, made)))
  return {
    title,
    sources,
    hasSources,
    isDone() {
      if (!hasSources()) return true
      const noted = readIfThere(stamp)
      if (noted === undefined || !existsSync(join(root, output))) return false
      if (noted !== JSON.stringify(state())) return false
      return sources().every(file => outputsOf(file).every(made => existsSync(made)))
    },
    async run() {
      const before = readIfThere(stamp)
      const now = state()
      rmSync(stamp, { force: true })
      await exec(process.execPath, command, { cwd: root, failed: `${title} failed: mend what is said above` })
      if (!isBundle) {
        const gone = before === undefined ? [] : Object.keys(JSON.parse(before)).filter(file => !(file in now))
        for (const file of gone.filter(file => within(file, folder)))
          for (const made of [...outputsOf(file), ...declarationsOf(outputsOf(file))]) rmSync(made, { force: true })
        for (const file of sources().filter(isAsset)) {
          const [copy] = outputsOf(file)
          mkdirSync(dirname(copy), { recursive: true })
          copyFileSync(join(root, file), copy)
        }
      }
      mkdirSync(dirname(stamp), { recursive: true })
      writeFileSync(stamp, JSON.stringify(now))
    },
  }
}

/** What a source becomes in the output folder: TypeScript is compiled, an asset copied, the rest is for people. */
function madeFrom(file) {
  if (file.endsWith('.d.ts')) return []
  if (file.endsWith('.ts')) return [`${file.slice(0, -3)}.js`]
  return isAsset(file) ? [file] : []
}

const isAsset = file => !/(\.tsx?|\.md|tsconfig[^/\\]*\.json)$/.test(file)
const declarationsOf = files =>
  files.filter(file => file.endsWith('.js')).flatMap(file => [`${file}.map`, `${file.slice(0, -3)}.d.ts`])
const within = (file, folder) => file.startsWith(`${folder}/`)

function filesOf(root, folder) {
  const top = join(root, folder)
  if (!existsSync(top)) return []
  return readdirSync(top, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile())
    .map(entry =>
      relative(root, join(entry.parentPath ?? entry.path, entry.name))
        .split(sep)
        .join('/'),
    )
    .filter(file => !file.split('/').some(part => part.startsWith('.') || part === 'node_modules'))
    .sort()
}

function identity(file) {
  const { size, mtimeMs } = statSync(file)
  return `${size} ${mtimeMs}`
}

async function findPrivateRedis({ ignoreUrl, say }) {
  const { findRedis } = await import('./redis.mjs')
  let started
  const onUnpack = () => {
    started = Date.now()
    say('setup: unpacking Redis … ')
  }
  try {
    await findRedis({ ignoreUrl, onUnpack })
  } catch (error) {
    if (started) say('failed\n')
    throw error
  }
  if (started) say(`${seconds(started)}\n`)
}

async function timed(step, say) {
  const started = Date.now()
  say(`setup: ${step.title} … `)
  try {
    await step.run()
  } catch (error) {
    say('failed\n')
    throw error
  }
  say(`${seconds(started)}\n`)
}

const seconds = started => `${((Date.now() - started) / 1_000).toFixed(1)} s`

/** Runs a command quietly: what it said is shown only when it failed. */
function exec(command, args, { cwd, failed }) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, {
      cwd,
      // npm on Windows is a script of its shell.
      shell: process.platform === 'win32' && !command.endsWith('.exe'),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    child.stdout.on('data', data => (output += data))
    child.stderr.on('data', data => (output += data))
    child.on('error', error => fail(new SetupFailed(`${failed}: ${error.message}`)))
    child.on('close', code =>
      code === 0 ? done() : fail(new SetupFailed(`${output.trimEnd()}\n\n${failed} (exit code ${code})`)),
    )
  })
}

/** The npm that runs this script, else the one on PATH. */
function npm() {
  const running = process.env.npm_execpath
  if (running && /npm-cli\.[cm]?js$/.test(running)) return { command: process.execPath, args: [running] }
  return { command: 'npm', args: [] }
}

export function requireNode(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number)
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return
  throw new SetupFailed(`This needs Node ${OLDEST_NODE.join('.')} or newer, and runs on ${version}: https://nodejs.org`)
}

function readIfThere(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

const digest = content => createHash('sha256').update(content).digest('hex')
const toStderr = text => void process.stderr.write(text)

/** The root of the clone that this script lies in. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..')

/** Sets up, and ends the process with one clear message when that fails. */
export async function setupOrExit(options = {}) {
  // A set-up, and what follows it, is not cut short because nobody reads what it says.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => {})
  try {
    await setup({ root: ROOT, ...options })
  } catch (error) {
    const isClear = error instanceof SetupFailed || error.code === 'REDIS_UNAVAILABLE'
    process.stderr.write(`${isClear ? error.message : error.stack}\n`)
    process.exit(1)
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const build = process.argv.includes('--build')
  await setupOrExit({ build, redis: !build, ignoreUrl: process.argv.includes('--private-redis') })
}

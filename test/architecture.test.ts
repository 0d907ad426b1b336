import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path/posix'
import { expect, test } from 'vitest'
import { brokenRules, type PackageFile } from './support/architecture.js'

const pkg = JSON.parse(readFileSync('package.json', 'utf8')) as PackageFile

function readTree(): Map<string, string> {
  const files = ['src', 'examples', 'console'].filter(folder => existsSync(folder)).flatMap(filesOf)
  return new Map(files.map(file => [file, readFileSync(file, 'utf8')]))
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return ['dist', 'node_modules'].includes(entry.name) ? [] : filesOf(path)
    return /\.[cm]?[jt]sx?$/.test(entry.name) && !entry.name.endsWith('.d.ts') ? [path] : []
  })
}

test('every import keeps to the rules of the house', () => {
  expect(brokenRules(readTree(), pkg)).toEqual([])
})

test('every door of the package exists', () => {
  const doors = Object.values(pkg.exports).map(({ default: file }) =>
    file.replace('./dist/', 'src/').replace(/js$/, 'ts'),
  )
  expect(doors.filter(door => !existsSync(door))).toEqual([])
})

/** The rules that these files break, in a house that has only them. */
const broken = (files: Record<string, string>) => brokenRules(new Map(Object.entries(files)), pkg)

const EMPTY = 'export const nothing = 0'
const SWF = {
  'src/swf/client.ts': "import { SWFClient } from '@aws-sdk/client-swf'\nexport { SWFClient }",
  'src/swf/words.ts': EMPTY,
  'src/swf/history.ts': "import type { SWFClient } from './client.js'\nexport type A = SWFClient",
}

test('arrows that go down are allowed', () => {
  expect(
    broken({
      ...SWF,
      'src/redis.ts': "import { Redis } from 'ioredis'\nimport './telemetry.js'\nexport { Redis }",
      'src/telemetry.ts': EMPTY,
      'src/feed/tail.ts': "import '../swf/client.js'\nimport '../redis.js'",
      'src/queues/job.ts': "import 'bullmq'\nimport '../swf/words.js'",
      'src/workflow/index.ts': "export { a } from './definition.js'",
      'src/workflow/definition.ts':
        "import { createHash } from 'node:crypto'\nimport '../swf/words.js'\nexport const a = createHash",
      'src/workers/decider/decider.ts': "import '../../workflow/definition.js'\nimport '../../feed/tail.js'",
      'src/graphql/server.ts': "import '@apollo/server'\nimport '../queues/job.js'",
      'src/swf/local/index.ts': "import '../words.js'",
      'src/cli/dev.ts':
        "import '../swf/local/index.js'\nimport '../../scripts/redis.mjs'\nexport const a = process.env.PATH",
      'src/index.ts': "export { a } from './workflow/index.js'",
      'examples/a/app.ts': "import 'swf-gateway'\nimport 'swf-gateway/workflow'\nimport './b.js'\nimport 'zod'",
      'console/main.js': "import 'react'\nimport './page.js'",
    }),
  ).toEqual([])
})

test.each([
  ['graphql never imports workers', 'src/graphql/a.ts', 'src/workers/b.ts', '../workers/b.js'],
  ['workers never import graphql', 'src/workers/a.ts', 'src/graphql/b.ts', '../graphql/b.js'],
  ['feed never imports queues', 'src/feed/a.ts', 'src/queues/b.ts', '../queues/b.js'],
  ['queues never import feed', 'src/queues/a.ts', 'src/feed/b.ts', '../feed/b.js'],
  ['graphql never imports workflow', 'src/graphql/a.ts', 'src/workflow/b.ts', '../workflow/b.js'],
  ['swf never imports its local server', 'src/swf/a.ts', 'src/swf/local/b.ts', './local/b.js'],
  ['workers never import the local SWF', 'src/workers/a.ts', 'src/swf/local/b.ts', '../swf/local/b.js'],
  ['nobody imports cli', 'src/testing/a.ts', 'src/cli/b.ts', '../cli/b.js'],
  ['leaves import nothing above them', 'src/redis.ts', 'src/swf/b.ts', './swf/b.js'],
  ['workflow never imports telemetry', 'src/workflow/a.ts', 'src/telemetry.ts', '../telemetry.js'],
])('%s', (_, from, to, specifier) => {
  for (const statement of [
    `import '${specifier}'`,
    `import type { a } from '${specifier}'`,
    `export { a } from '${specifier}'`,
    `export * from '${specifier}'`,
    `export const a = () => import('${specifier}')`,
    `export type A = import('${specifier}').B`,
  ])
    expect(broken({ [from]: statement, [to]: EMPTY }), statement).toEqual([
      expect.stringMatching(new RegExp(`^${from}:1 imports ${to}: there is no arrow from `)),
    ])
})

test('a room that is not in the plan is told', () => {
  expect(broken({ 'src/utils/a.ts': "import '../telemetry.js'", 'src/telemetry.ts': EMPTY })).toEqual([
    'src/utils/a.ts:1: "utils" is no room of the house',
  ])
})

test('workflow and queues know only the words of SWF', () => {
  expect(broken({ ...SWF, 'src/queues/a.ts': "import '../swf/history.js'" })).toEqual([
    'src/queues/a.ts:1 imports src/swf/history.ts, which leads to src/swf/client.ts: queues knows only the words of SWF',
  ])
  expect(broken({ ...SWF, 'src/workflow/a.ts': "import type { a } from '../swf/client.js'" })).toContain(
    'src/workflow/a.ts:1 imports src/swf/client.ts, which calls SWF: workflow knows only the words of SWF',
  )
})

test('workflow code cannot do I/O, not through others either', () => {
  expect(
    broken({
      'src/workflow/a.ts': "import { readFile } from 'node:fs/promises'\nimport '../swf/words.js'\nexport { readFile }",
      'src/swf/words.ts': "import { Agent } from 'undici'\nimport 'node:http'\nexport { Agent }",
    }),
  ).toEqual([
    'src/workflow/a.ts:1 imports node:fs/promises: workflow code reaches it, and cannot do I/O',
    'src/swf/words.ts:1 imports undici: workflow code reaches it, and cannot do I/O',
    'src/swf/words.ts:2 imports node:http: workflow code reaches it, and cannot do I/O',
  ])
})

test.each([
  'export const a = process.env.HOME',
  "export const a = process['env']",
  'export const a = globalThis.process.argv',
  'const { env } = process\nexport { env }',
  "import { argv } from 'node:process'\nexport { argv }",
])('only cli reads configuration: %s', text => {
  expect(broken({ 'src/cli/a.ts': text })).toEqual([])
  expect(broken({ 'src/feed/a.ts': text })).toEqual([
    'src/feed/a.ts:1 reads the environment or the command line: only cli does',
  ])
})

test.each(['Date.now()', 'new Date()', 'Date()', "Date['now']()", 'setTimeout(Date.now)'])(
  'only those on a short list ask for the time of day: %s',
  text => {
    expect(broken({ 'src/telemetry.ts': text, 'src/workflow/a.ts': text })).toEqual([])
    expect(broken({ 'src/feed/a.ts': text })).toEqual([
      expect.stringMatching(/^src\/feed\/a\.ts:1 asks for the time of day/),
    ])
    expect(broken({ 'src/feed/a.ts': 'new Date(5)' })).toEqual([])
  },
)

test.each(['@aws-sdk/client-swf', 'ioredis', 'bullmq', '@apollo/server/errors', 'type-graphql'])(
  '%s has one home',
  dependency => {
    expect(broken({ 'src/workers/a.ts': `import type { A } from '${dependency}'` })).toEqual([
      expect.stringMatching(/^src\/workers\/a\.ts:1 imports \S+ away from its home /),
    ])
  },
)

test('a package that users would not get is told', () => {
  expect(broken({ 'src/feed/a.ts': "import 'vitest'" })).toEqual([
    'src/feed/a.ts:1 imports vitest, which is not among the dependencies',
  ])
})

test('a door is for those outside', () => {
  const files = { 'src/workflow/index.ts': EMPTY, 'src/workflow/a.ts': "import './index.js'" }
  expect(broken(files)).toEqual([
    'src/workflow/a.ts:1 imports the door src/workflow/index.ts: import the file that has the name',
  ])
  expect(broken({ 'src/workflow/index.ts': EMPTY, 'src/workers/a.ts': "import '../workflow/index.js'" })).toHaveLength(
    1,
  )
  expect(broken({ 'src/feed/index.ts': EMPTY })).toEqual(['src/feed/index.ts is no door of the package'])
  expect(broken({ 'src/feed/a.ts': "import 'swf-gateway/workflow'" })).toEqual([
    'src/feed/a.ts:1 imports its own package by name: import the file',
  ])
})

test('a cycle is told once, by its shortest way', () => {
  expect(
    broken({
      'src/feed/a.ts': "import './b.js'",
      'src/feed/b.ts': "import './c.js'\nimport './a.js'",
      'src/feed/c.ts': "import type { a } from './a.js'",
    }),
  ).toEqual(['import cycle: src/feed/a.ts → src/feed/b.ts → src/feed/a.ts'])
})

test('src leans on nothing beside it', () => {
  expect(broken({ 'src/cli/a.ts': "import '../../test/b.js'" })).toEqual([
    'src/cli/a.ts:1 imports test/b.js, which is outside src',
  ])
  expect(broken({ 'src/feed/a.ts': "import '../../scripts/redis.mjs'" })).toHaveLength(1)
})

test('examples use the public doors, the console none', () => {
  expect(broken({ 'examples/saga/a.ts': "import '../../src/index.js'\nimport 'swf-gateway/feed'" })).toEqual([
    'examples/saga/a.ts:1 imports src/index.js: examples use the public doors only',
    'examples/saga/a.ts:2 imports swf-gateway/feed, which is no public door',
  ])
  expect(broken({ 'console/a.js': "import '../src/index.js'\nimport 'swf-gateway'" })).toHaveLength(2)
})

// Reads the imports of the tree, and says where they break the rules of the house.
//
// A1. Type-only imports count: an arrow that is only a type still means that one room knows the other.
// A2. Everything here works on texts in memory, so that a test can add an arrow that does not exist.

import { isBuiltin } from 'node:module'
import { dirname, join } from 'node:path/posix'
import { parseSync, Visitor } from 'oxc-parser'

/** The tree: path from the root of the package → text. */
export type Tree = ReadonlyMap<string, string>

export interface PackageFile {
  name: string
  exports: Record<string, { default: string }>
  dependencies: Record<string, string>
}

interface Import {
  specifier: string
  isType: boolean
  line: number
}

interface Source {
  file: string
  imports: Import[]
  /** Lines that read the environment or the command line. */
  readsConfiguration: number[]
  /** Lines that ask what time of day it is. */
  asksTime: number[]
}

interface Arrow {
  from: string
  to: string
  line: number
}

const FOUNDATION = [
  'clock',
  'telemetry',
  'line-writer',
  'cut',
  'console',
  'recurring',
  'lifecycle',
  'probes',
  'redis',
  'redis-trouble',
  'redis-health',
  'door',
]
const ROOMS = ['foundation', 'swf', 'swf/local', 'workflow', 'feed', 'queues', 'graphql', 'workers']

/** What each room may import besides itself; "swf words" are the files of swf that lead to no client; one file is named by its path. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  foundation: [],
  swf: ['foundation'],
  'swf/local': ['swf', 'foundation'],
  workflow: ['swf words', 'src/cut.ts'],
  feed: ['swf', 'foundation'],
  queues: ['swf words', 'foundation'],
  graphql: ['feed', 'queues', 'swf', 'foundation'],
  workers: ['feed', 'queues', 'workflow', 'swf', 'foundation'],
  cli: ROOMS,
  testing: ROOMS,
  index: ROOMS,
}
const COMPOSE = new Set(['cli', 'testing', 'index'])

/** Where SWF is called: whoever reaches these files, reaches the network. */
const CALLS_SWF = /^src\/swf\/(client|transport)[^/]*\.ts$|^src\/swf\/local\//

/** Heavy dependencies and their one home. */
const HOMES: readonly [dependency: RegExp, home: RegExp][] = [
  [/^@(aws-sdk|smithy)\//, /^src\/swf\/(client|transport|payload-store|local\/sdk-client)[^/]*\.ts$/],
  [/^ioredis$/, /^src\/redis\.ts$/],
  [/^bullmq$/, /^src\/queues\//],
  [/^(@apollo\/.*|@as-integrations\/.*|type-graphql)$/, /^src\/graphql\//],
]

/** What workflow code may lean on: no network, no files, no processes, no other packages than schemas and a calendar. */
const PURE_PACKAGES = new Set(['zod', '@standard-schema/spec', 'croner'])
const IO_MODULES =
  /^(node:)?(fs|net|http|https|http2|tls|dgram|dns|child_process|cluster|worker_threads|readline|repl|inspector|tty|os|sqlite)(\/.*)?$/

/** Who asks for the time of day, and what for: src/clock.ts says why nobody else does. src/workflow has a guard of its own. */
const ASKS_TIME: Record<string, string> = {
  'src/clock.ts': 'turns moments into times of day',
  'src/swf/swf-clock.ts': "compares this machine's clock with SWF's",
  'src/swf/local/clock.ts': 'begins at the time of day',
  'src/swf/local/server.ts': 'names of requests',
  'src/telemetry.ts': 'lines of the log',
  'src/queues/settings.ts': 'when settings were changed',
  'src/workers/activity/activity-worker.ts': 'since when a process runs',
  'src/workers/decider/decider.ts': 'since when a process runs',
  'src/feed/publisher.ts': 'when a state was seen',
  'src/feed/sweeper.ts': 'retention, in days',
  'src/feed/indexed-domain.ts': 'retention, in days; up to when an index is complete',
  'src/graphql/histories.ts': 'as of when an answer is',
  'src/graphql/execution.type.ts': 'as of when an answer is',
  'src/graphql/execution-list.ts': 'as of when an answer is',
  'src/graphql/execution-stats.resolver.ts': 'statistics up to now',
  'src/cli/pending.ts': 'ages, for people',
  'src/cli/queue.ts': 'ages, for people',
}

/** Lists the broken rules, one sentence each; empty when the house is in order. */
export function brokenRules(tree: Tree, pkg: PackageFile): string[] {
  const sources = [...tree].map(([file, text]) => read(file, text))
  const inSrc = sources.filter(({ file }) => file.startsWith('src/'))
  const arrows = inSrc.flatMap(source => arrowsOf(source, tree))
  const reaches = reachability(arrows)
  return [
    ...arrows.flatMap(arrow => roomRule(arrow, reaches)),
    ...arrows.flatMap(arrow => doorRule(arrow, pkg)),
    ...inSrc.flatMap(source => packageRules(source, pkg)),
    ...inSrc.flatMap(outsideRule),
    ...workflowRule(inSrc, reaches),
    ...inSrc.flatMap(configurationRule),
    ...inSrc.flatMap(timeRule),
    ...indexRule([...tree.keys()], pkg),
    ...cycles(arrows).map(cycle => `import cycle: ${cycle.join(' → ')}`),
    ...sources.filter(({ file }) => file.startsWith('examples/')).flatMap(source => exampleRule(source, pkg)),
    ...sources.filter(({ file }) => file.startsWith('console/')).flatMap(source => consoleRule(source, pkg)),
  ]
}

/** The room that a file of src lies in. */
export function roomOf(file: string): string {
  if (file.startsWith('src/swf/local/')) return 'swf/local'
  const [first = ''] = file.replace(/^src\//, '').split('/')
  const name = first.replace(/\.ts$/, '')
  return FOUNDATION.includes(name) ? 'foundation' : name
}

function roomRule({ from, to, line }: Arrow, reaches: Reachability): string[] {
  const [room, other] = [roomOf(from), roomOf(to)]
  if (room === other) return []
  const allowed = MAY_IMPORT[room]
  if (allowed === undefined) return [`${from}:${line}: "${room}" is no room of the house`]
  if (allowed.includes(other) || allowed.includes(to)) return []
  if (other === 'swf' && allowed.includes('swf words')) {
    const client = reaches(to).find(file => CALLS_SWF.test(file))
    if (client === undefined) return []
    const how = client === to ? 'which calls SWF' : `which leads to ${client}`
    return [`${from}:${line} imports ${to}, ${how}: ${room} knows only the words of SWF`]
  }
  return [`${from}:${line} imports ${to}: there is no arrow from ${room} to ${other}`]
}

/** Doors are for those outside: within the package only what composes it goes through one. */
function doorRule({ from, to, line }: Arrow, pkg: PackageFile): string[] {
  if (!to.endsWith('/index.ts')) return []
  const isOutside = COMPOSE.has(roomOf(from)) && dirname(from) !== dirname(to)
  if (isOutside && doorsOf(pkg).includes(to)) return []
  return [`${from}:${line} imports the door ${to}: import the file that has the name`]
}

function packageRules({ file, imports }: Source, pkg: PackageFile): string[] {
  return imports.flatMap(({ specifier, line }) => {
    if (isRelative(specifier) || isBuiltin(specifier)) return []
    const name = packageOf(specifier)
    if (name === pkg.name) return [`${file}:${line} imports its own package by name: import the file`]
    const broken: string[] = []
    if (!(name in pkg.dependencies)) broken.push(`${file}:${line} imports ${name}, which is not among the dependencies`)
    const home = HOMES.find(([dependency]) => dependency.test(name))?.[1]
    if (home && !home.test(file)) broken.push(`${file}:${line} imports ${name} away from its home ${home.source}`)
    return broken
  })
}

/** src leans on nothing beside it, but for the script that finds Redis. */
function outsideRule({ file, imports }: Source): string[] {
  return imports
    .map(({ specifier, line }) => ({ to: isRelative(specifier) ? join(dirname(file), specifier) : 'src/', line }))
    .filter(({ to }) => !to.startsWith('src/') && !(to === 'scripts/redis.mjs' && COMPOSE.has(roomOf(file))))
    .map(({ to, line }) => `${file}:${line} imports ${to}, which is outside src`)
}

function workflowRule(sources: readonly Source[], reaches: Reachability): string[] {
  const byFile = new Map(sources.map(source => [source.file, source]))
  const start = sources.map(({ file }) => file).filter(file => roomOf(file) === 'workflow')
  const reached = new Set(start.flatMap(file => [file, ...reaches(file)]))
  return [...reached].flatMap(file =>
    (byFile.get(file)?.imports ?? [])
      .filter(({ specifier, isType }) => !isRelative(specifier) && !isType)
      .filter(({ specifier }) =>
        isBuiltin(specifier) ? IO_MODULES.test(specifier) : !PURE_PACKAGES.has(packageOf(specifier)),
      )
      .map(
        ({ specifier, line }) => `${file}:${line} imports ${specifier}: workflow code reaches it, and cannot do I/O`,
      ),
  )
}

function timeRule({ file, asksTime }: Source): string[] {
  if (file in ASKS_TIME || roomOf(file) === 'workflow') return []
  return asksTime.map(
    line =>
      `${file}:${line} asks for the time of day, which may be set at any moment: durations are measured by clock.ts`,
  )
}

function configurationRule({ file, readsConfiguration }: Source): string[] {
  if (roomOf(file) === 'cli') return []
  return readsConfiguration.map(line => `${file}:${line} reads the environment or the command line: only cli does`)
}

function indexRule(files: readonly string[], pkg: PackageFile): string[] {
  const doors = doorsOf(pkg)
  return files
    .filter(file => /^src\/(.*\/)?index\.ts$/.test(file) && !doors.includes(file))
    .map(file => `${file} is no door of the package`)
}

function exampleRule({ file, imports }: Source, pkg: PackageFile): string[] {
  const doors = Object.keys(pkg.exports).map(door => join(pkg.name, door))
  return imports.flatMap(({ specifier, line }) => {
    if (isRelative(specifier)) {
      const to = join(dirname(file), specifier)
      return to.startsWith('examples/') ? [] : [`${file}:${line} imports ${to}: examples use the public doors only`]
    }
    if (packageOf(specifier) !== pkg.name || doors.includes(specifier)) return []
    return [`${file}:${line} imports ${specifier}, which is no public door`]
  })
}

function consoleRule({ file, imports }: Source, pkg: PackageFile): string[] {
  return imports
    .filter(({ specifier }) =>
      isRelative(specifier)
        ? !join(dirname(file), specifier).startsWith('console/')
        : packageOf(specifier) === pkg.name,
    )
    .map(({ specifier, line }) => `${file}:${line} imports ${specifier}: the console knows GraphQL over the wire only`)
}

function doorsOf(pkg: PackageFile): string[] {
  return Object.values(pkg.exports).map(({ default: file }) =>
    join('src', file.replace(/^\.\/dist\//, '').replace(/\.js$/, '.ts')),
  )
}

const isRelative = (specifier: string) => specifier.startsWith('.')
const packageOf = (specifier: string) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

function arrowsOf({ file, imports }: Source, tree: Tree): Arrow[] {
  return imports
    .filter(({ specifier }) => isRelative(specifier))
    .map(({ specifier, line }) => ({ from: file, to: sourceOf(join(dirname(file), specifier)), line }))
    .filter(({ to }) => tree.has(to) && to.startsWith('src/'))
}

const sourceOf = (path: string) => path.replace(/\.js$/, '.ts')

type Reachability = (file: string) => string[]

/** All files that a file leads to, itself included. */
function reachability(arrows: readonly Arrow[]): Reachability {
  const next = targets(arrows)
  const known = new Map<string, string[]>()
  return file => {
    const before = known.get(file)
    if (before) return before
    const seen = new Set([file])
    for (const at of seen) for (const to of next.get(at) ?? []) seen.add(to)
    const all = [...seen]
    known.set(file, all)
    return all
  }
}

function targets(arrows: readonly Arrow[]): Map<string, Set<string>> {
  const next = new Map<string, Set<string>>()
  for (const { from, to } of arrows) next.set(from, (next.get(from) ?? new Set()).add(to))
  return next
}

/** One shortest cycle for each knot of files that lead to each other. */
function cycles(arrows: readonly Arrow[]): string[][] {
  const next = targets(arrows)
  const reaches = reachability(arrows)
  const told = new Set<string>()
  const found: string[][] = []
  for (const start of [...next.keys()].sort()) {
    if (told.has(start)) continue
    const way = shortest(start, next)
    if (way === undefined) continue
    for (const file of reaches(start)) if (reaches(file).includes(start)) told.add(file)
    found.push(way)
  }
  return found
}

/** The shortest way from a file back to itself. */
function shortest(start: string, next: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
  const ways: string[][] = [[start]]
  const seen = new Set<string>()
  for (const way of ways) {
    for (const to of next.get(way.at(-1) ?? start) ?? []) {
      if (to === start) return [...way, start]
      if (!seen.has(to)) ways.push([...way, to])
      seen.add(to)
    }
  }
  return undefined
}

function read(file: string, text: string): Source {
  const { program, errors } = parseSync(file, text)
  const failure = errors[0]
  if (failure) throw new Error(`${file} cannot be parsed: ${failure.message}`)
  const imports: Import[] = []
  const readsConfiguration: number[] = []
  const asksTime: number[] = []
  const lineOf = (offset: number) => text.slice(0, offset).split('\n').length
  const add = (source: { start: number; value?: unknown } | null | undefined, isType: boolean) => {
    if (typeof source?.value === 'string') imports.push({ specifier: source.value, isType, line: lineOf(source.start) })
  }
  const isConfiguration = (name: unknown) => name === 'env' || name === 'argv' || name === 'execArgv'
  new Visitor({
    ImportDeclaration(node) {
      add(node.source, node.importKind === 'type')
      if (/^(node:)?process$/.test(node.source.value))
        for (const specifier of node.specifiers)
          if (
            specifier.type === 'ImportSpecifier' &&
            'name' in specifier.imported &&
            isConfiguration(specifier.imported.name)
          )
            readsConfiguration.push(lineOf(node.start))
    },
    ExportNamedDeclaration(node) {
      add(node.source, node.exportKind === 'type')
    },
    ExportAllDeclaration(node) {
      add(node.source, node.exportKind === 'type')
    },
    ImportExpression(node) {
      add(node.source as { start: number; value?: unknown }, false)
    },
    TSImportType(node) {
      add(node.source, true)
    },
    MemberExpression(node) {
      const { object, property } = node
      const isProcess =
        (object.type === 'Identifier' && object.name === 'process') ||
        (object.type === 'MemberExpression' &&
          object.property.type === 'Identifier' &&
          object.property.name === 'process')
      const name = property.type === 'Literal' ? property.value : 'name' in property ? property.name : undefined
      if (isProcess && isConfiguration(name)) readsConfiguration.push(lineOf(node.start))
      if (object.type === 'Identifier' && object.name === 'Date' && name === 'now') asksTime.push(lineOf(node.start))
    },
    NewExpression({ callee, arguments: given, start }) {
      if (callee.type === 'Identifier' && callee.name === 'Date' && given.length === 0) asksTime.push(lineOf(start))
    },
    CallExpression({ callee, start }) {
      if (callee.type === 'Identifier' && callee.name === 'Date') asksTime.push(lineOf(start))
    },
    VariableDeclarator({ id, init, start }) {
      if (id.type !== 'ObjectPattern' || init?.type !== 'Identifier' || init.name !== 'process') return
      for (const property of id.properties)
        if (property.type === 'Property' && 'name' in property.key && isConfiguration(property.key.name))
          readsConfiguration.push(lineOf(start))
    },
  }).visit(program)
  return { file, imports, readsConfiguration, asksTime }
}

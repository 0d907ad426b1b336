import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { builds, dependencies, requireNode, setup } from '../../scripts/setup.mjs'
import { tmpDir } from '../support/tmp.js'

afterEach(() => {
  vi.unstubAllEnvs()
})

/** A small clone: two sources, an asset and an example; npm and, if nothing else is asked for, the compiler are stand-ins. */
function clone({ compiler = FAKE_COMPILER } = {}): {
  root: string
  write(file: string, text: string): void
  said: string[]
  run(): Promise<void>
} {
  const root = tmpDir('clone')
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
  }
  const options = { module: 'NodeNext', target: 'ES2022', strict: true, types: [] }
  write('package.json', '{ "type": "module" }')
  write('package-lock.json', '{}')
  write('tsconfig.json', JSON.stringify({ compilerOptions: options }))
  write(
    'tsconfig.build.json',
    JSON.stringify({
      extends: './tsconfig.json',
      compilerOptions: { rootDir: 'src', outDir: 'dist', declaration: true },
      include: ['src'],
    }),
  )
  write(
    'examples/tsconfig.json',
    JSON.stringify({
      extends: '../tsconfig.json',
      compilerOptions: { rootDir: '.', outDir: 'dist' },
      include: ['.'],
      exclude: ['dist'],
    }),
  )
  write('src/one.ts', 'export const one = 1\n')
  write('src/deep/two.ts', "export const two: string = 'two'\n")
  write('src/schema.graphql', 'type Query { ok: Boolean }\n')
  write('examples/saga/app.ts', 'export const app = 1\n')
  write('examples/saga/orders.json', '[]')
  write('examples/saga/README.md', '# for people')
  mkdirSync(join(root, 'node_modules'))
  if (compiler === REAL_COMPILER) symlinkSync(REAL_COMPILER, join(root, 'node_modules/typescript'))
  else write('node_modules/typescript/bin/tsc', compiler)
  vi.stubEnv('npm_execpath', fakeNpm())
  const said: string[] = []
  return { root, write, said, run: () => setup({ root, redis: false, say: text => said.push(text) }) }
}

const REAL_COMPILER = resolve('node_modules/typescript')

/** Makes an empty file of each that the compiler would write. */
const FAKE_COMPILER = `
  const { readdirSync, mkdirSync, writeFileSync } = require('fs')
  const { dirname, join } = require('path')
  const isExamples = process.argv.includes('examples/tsconfig.json')
  const from = isExamples ? 'examples' : 'src', to = isExamples ? 'examples/dist' : 'dist'
  for (const file of readdirSync(from, { recursive: true }).filter(f => f.endsWith('.ts') && !f.startsWith('dist')))
    for (const made of [file.slice(0, -3) + '.js', file.slice(0, -3) + '.d.ts']) {
      mkdirSync(dirname(join(to, made)), { recursive: true })
      writeFileSync(join(to, made), '')
    }`

/** Stands where npm stands: says what it was asked. */
function fakeNpm(exitCode = 0): string {
  const folder = tmpDir('npm')
  const file = join(folder, 'npm-cli.js')
  // Whatever stands in the folders above.
  writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }')
  writeFileSync(
    file,
    `require('fs').appendFileSync('npm.log', process.argv.slice(2).join(' ') + '\\n'); console.log('npm said this'); process.exitCode = ${exitCode}`,
  )
  return file
}

const titles = (said: string[]) => said.filter(text => text.startsWith('setup: ')).map(text => text.slice(7, -3))

test('a bare clone is installed and built; a second set-up does nothing and says nothing', async () => {
  const { root, run, said } = clone({ compiler: REAL_COMPILER })
  await run()
  expect(titles(said)).toEqual(['installing dependencies', 'building the package', 'building the examples'])
  expect(said.join('')).toMatch(/installing dependencies … \d+\.\d s\n/)
  expect(readFileSync(join(root, 'npm.log'), 'utf8')).toMatch(/^ci --include=dev --prefer-offline /)
  for (const file of ['dist/one.js', 'dist/deep/two.d.ts', 'dist/schema.graphql'])
    expect(existsSync(join(root, file)), file).toBe(true)
  for (const file of ['examples/dist/saga/app.js', 'examples/dist/saga/orders.json'])
    expect(existsSync(join(root, file)), file).toBe(true)
  expect(existsSync(join(root, 'examples/dist/saga/README.md'))).toBe(false)
  said.length = 0
  const started = performance.now()
  await run()
  expect(performance.now() - started).toBeLessThan(500)
  expect(said).toEqual([])
})

test('builds again what is newer, and what became of a source that is gone goes too', async () => {
  const { root, write, run, said } = clone()
  await run()
  said.length = 0
  write('examples/saga/app.ts', 'export const app = 22\n')
  await run()
  expect(titles(said)).toEqual(['building the examples'])
  said.length = 0
  rmSync(join(root, 'src/deep/two.ts'))
  await run()
  expect(titles(said)).toEqual(['building the package', 'building the examples'])
  expect(existsSync(join(root, 'dist/deep/two.js'))).toBe(false)
  expect(existsSync(join(root, 'dist/deep/two.d.ts'))).toBe(false)
  said.length = 0
  rmSync(join(root, 'dist/one.js'))
  await run()
  expect(titles(said)).toEqual(['building the package'])
})

test('installs again when the lockfile has changed', async () => {
  const { root, write, run, said } = clone()
  await run()
  said.length = 0
  write('package-lock.json', '{ "packages": {} }')
  expect(dependencies(root).isDone()).toBe(false)
  await run()
  expect(titles(said)).toContain('installing dependencies')
  expect(dependencies(root).isDone()).toBe(true)
})

test('a build that fails says why, and is tried again', async () => {
  const { root, write, run, said } = clone({ compiler: REAL_COMPILER })
  write('src/one.ts', "export const one: number = 'one'\n")
  await expect(run()).rejects.toThrow(/src\/one\.ts.*TS2322[^]*building the package failed: mend what is said above/)
  expect(said.join('')).toContain('building the package … failed')
  expect(builds(root)[0]?.isDone()).toBe(false)
  write('src/one.ts', 'export const one: number = 1\n')
  await run()
  expect(builds(root)[0]?.isDone()).toBe(true)
})

test('an npm that fails is shown, with what to do', async () => {
  const { run } = clone()
  vi.stubEnv('npm_execpath', fakeNpm(1))
  await expect(run()).rejects.toThrow(/npm said this[^]*npm ci failed\. With the network reachable, run it by hand/)
})

test('two set-ups at once build once', async () => {
  const { run, said } = clone()
  await Promise.all([run(), run()])
  expect(titles(said)).toEqual(['installing dependencies', 'building the package', 'building the examples'])
  expect(said.join('')).toContain(`waiting for another set-up in this clone (process ${process.pid})`)
})

test('an old Node is told in one line', () => {
  expect(() => requireNode('20.18.3')).toThrow(/^This needs Node 20\.19 or newer, and runs on 20\.18\.3: [^\n]*$/)
  for (const version of ['20.19.0', '22.0.0', '24.3.1']) expect(() => requireNode(version)).not.toThrow()
})

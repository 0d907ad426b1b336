// Completes package-lock.json: `npm ci` refuses a lockfile that lacks a package for another platform, and npm leaves
// those out that the registry at hand does not serve. Run it after `npm install` changed the lockfile.
//
//   node scripts/lockfile.mjs            adds what is missing
//   node scripts/lockfile.mjs --check    exits 1 when something is missing

import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const OS = ['android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32']
const CPU = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64']

/** The optional packages that a lockfile names and does not hold: [name, version, the package that names it]. */
export function missingPackages(lock) {
  return Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !isHeld(lock, path, name))
      .map(([name, version]) => [name, version, path]),
  )
}

/** Gives the lockfile with an entry for each missing package. It has no checksum: npm takes the registry's word then. */
export function completed(lock) {
  const packages = { ...lock.packages }
  for (const [name, version, by] of missingPackages(lock)) {
    if (!/^\d+\.\d+\.\d+/.test(version)) throw new Error(`${by} wants ${name} ${version}, which is no one version`)
    const { dev } = lock.packages[by]
    packages[`node_modules/${name}`] = { version, ...platformOf(name), ...(dev && { dev }), optional: true }
  }
  const sorted = Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en'))
  return { ...lock, packages: Object.fromEntries(sorted) }
}

/** Node's module lookup: beside the package, or in a folder further out. */
function isHeld(lock, path, name) {
  const parts = path === '' ? [] : path.split('/node_modules/')
  for (let depth = parts.length; depth >= 0; depth--) {
    const at = [...parts.slice(0, depth), name].join('/node_modules/')
    if (lock.packages[at.startsWith('node_modules/') ? at : `node_modules/${at}`]) return true
  }
  return false
}

/** Native packages carry their platform in their name: `…-linux-arm64-musl`. */
function platformOf(name) {
  const words = name.split('/').at(-1).split(/[-_.]/)
  const os = words.find(word => OS.includes(word))
  const cpu = words.find(word => CPU.includes(word))
  if (os === undefined && cpu === undefined) throw new Error(`the platform of ${name} cannot be read from its name`)
  const libc = os !== 'linux' ? undefined : /musl/.test(name) ? 'musl' : /gnu/.test(name) ? 'glibc' : undefined
  return { ...(cpu && { cpu: [cpu] }), ...(libc && { libc: [libc] }), ...(os && { os: [os] }) }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const file = join(resolve(fileURLToPath(import.meta.url), '../..'), 'package-lock.json')
  const lock = JSON.parse(readFileSync(file, 'utf8'))
  const missing = missingPackages(lock)
  if (process.argv.includes('--check')) {
    if (missing.length > 0)
      console.error(`package-lock.json lacks ${missing.length} packages: node scripts/lockfile.mjs`)
    process.exitCode = missing.length > 0 ? 1 : 0
  } else if (missing.length > 0) {
    writeFileSync(file, `${JSON.stringify(completed(lock), null, 2)}\n`)
    console.log(`added ${missing.length} packages for other platforms`)
  }
}

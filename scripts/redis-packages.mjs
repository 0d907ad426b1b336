// Redis from the packages of Debian or Ubuntu, unpacked into a folder of ours. Nothing is installed.
//
// P1. Works as any user: apt gets its own state and cache folders, dpkg only unpacks.
// P2. A copy appears whole or not at all: it is made beside its place and renamed into it.

import { spawn } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, delimiter, join } from 'node:path'

/** The servers that will do, best first: [package of the server, package of the binary it may link to, binary]. */
const SERVERS = [
  ['redis-server', 'redis-tools', 'redis-server'],
  ['valkey-server', 'valkey-tools', 'valkey-server'],
]

/** Unpacking a second C library or loader beside the system's own would break what runs with it. */
const NEVER = /^(libc6|libgcc-s1|gcc-\d+-base|dpkg|debconf)$/

/** Finds an executable on PATH, or undefined. */
export function onPath(name, path = process.env.PATH ?? '') {
  for (const folder of path.split(delimiter)) {
    if (folder === '') continue
    const file = join(folder, name)
    try {
      accessSync(file, constants.X_OK)
      return file
    } catch {
      // not here
    }
  }
  return undefined
}

/** Says whether this machine has the tools to unpack Redis from its distribution's packages. */
export function canUnpackRedis() {
  return (
    process.platform === 'linux' &&
    existsSync('/var/lib/dpkg/status') &&
    ['apt-get', 'apt-cache', 'dpkg', 'dpkg-query', 'ldd'].every(tool => onPath(tool) !== undefined)
  )
}

/** Gives the binary of an unpacked copy and the environment that it needs, or undefined when there is no copy. */
export function unpackedRedis(folder) {
  for (const [, , binary] of SERVERS) {
    const command = join(folder, 'usr/bin', binary)
    if (!existsSync(command)) continue
    const libraries = libraryFolders(folder)
    const inherited = process.env.LD_LIBRARY_PATH
    const path = inherited ? [...libraries, inherited] : libraries
    return { command, env: path.length > 0 ? { LD_LIBRARY_PATH: path.join(':') } : {} }
  }
  return undefined
}

/** Downloads Redis and the libraries it misses, and unpacks them into `folder`. Throws what apt said when it cannot. */
export async function unpackRedis(folder) {
  const before = identity(folder)
  const work = `${folder}.${process.pid}`
  rmSync(work, { recursive: true, force: true })
  const apt = prepareApt(join(work, 'apt'))
  const root = join(work, 'root')
  mkdirSync(root, { recursive: true })
  try {
    // Its exit code is not asked: a hook of the system may fail for a user without rights. What counts is the download.
    const update = await run('apt-get', [...apt.options, 'update'], apt.folder)
    const failures = []
    for (const [server, tools, binary] of SERVERS) {
      const download = await fetchPackages([server, tools], apt, root)
      if (download.code === 0 && existsSync(join(root, 'usr/bin', binary))) {
        await addMissingLibraries([server, tools], apt, root)
        return replace(folder, root, before)
      }
      failures.push(problem(download.output))
    }
    throw new Error([problem(update.output), failures[0]].filter(Boolean).join('; '))
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Makes apt's private folders, and the options that send apt there. */
function prepareApt(folder) {
  for (const part of ['state/lists/partial', 'cache/archives/partial', 'deb'])
    mkdirSync(join(folder, part), { recursive: true })
  const settings = {
    'Dir::State': join(folder, 'state'),
    'Dir::State::status': '/var/lib/dpkg/status',
    'Dir::Cache': join(folder, 'cache'),
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '2',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled': 'false',
    'Acquire::IndexTargets::deb::CNF::DefaultEnabled': 'false',
    'APT::Get::List-Cleanup': 'false',
  }
  return { folder, options: Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]) }
}

async function fetchPackages(packages, apt, root) {
  const debs = join(apt.folder, 'deb')
  const download = await run('apt-get', [...apt.options, 'download', ...packages], debs)
  if (download.code !== 0) return download
  for (const deb of readdirSync(debs).filter(file => file.endsWith('.deb'))) {
    const unpack = await run('dpkg', ['-x', join(debs, deb), root], debs)
    if (unpack.code !== 0) return unpack
    rmSync(join(debs, deb))
  }
  return download
}

/** Unpacks those dependencies that this machine has not, until the loader finds every library: theirs in turn, too. */
async function addMissingLibraries(packages, apt, root) {
  let wanted = packages
  const seen = new Set(packages)
  for (let round = 0; round < 4; round++) {
    const missing = await missingLibraries(root)
    if (missing.length === 0) return
    const depends = await run('apt-cache', [...apt.options, 'depends', '--important', ...wanted], apt.folder)
    wanted = [...depends.output.matchAll(/^\s*\|?(?:Pre)?Depends: ([a-z0-9][a-z0-9.+-]*)/gm)].map(found => found[1])
    const installed = await installedPackages(apt.folder)
    wanted = [...new Set(wanted)].filter(name => !seen.has(name) && !NEVER.test(name))
    for (const name of wanted) seen.add(name)
    const absent = wanted.filter(name => !installed.has(name))
    if (absent.length > 0) {
      // One by one when all together fail: an alternative that does not exist here must not hide those that do.
      const all = await fetchPackages(absent, apt, root)
      if (all.code !== 0) for (const name of absent) await fetchPackages([name], apt, root)
    }
    if (wanted.length === 0) break
  }
  const missing = await missingLibraries(root)
  if (missing.length > 0) throw new Error(`libraries not found: ${missing.join(', ')}`)
}

async function missingLibraries(root) {
  const { command, env } = unpackedRedis(root)
  const { output } = await run('ldd', [command], root, env)
  return [...output.matchAll(/^\s*(\S+) => not found/gm)].map(found => found[1])
}

async function installedPackages(folder) {
  const { output } = await run('dpkg-query', ['-W', '-f', '${binary:Package} ${db:Status-Status}\n'], folder)
  const installed = output.split('\n').filter(line => line.endsWith(' installed'))
  return new Set(installed.map(line => line.split(/[ :]/)[0]))
}

/** The folders of an unpacked tree that hold shared libraries. */
function libraryFolders(root) {
  const holds = folder => readdirSync(folder).some(file => /\.so(\.|$)/.test(file))
  return ['usr/lib', 'lib']
    .map(part => join(root, part))
    .filter(existsSync)
    .flatMap(folder => [
      folder,
      ...readdirSync(folder, { withFileTypes: true }).flatMap(entry =>
        entry.isDirectory() ? [join(folder, entry.name)] : [],
      ),
    ])
    .filter(holds)
}

/** Puts a finished tree in the place of what stood there before, unless somebody else has done so meanwhile. */
function replace(folder, tree, before) {
  if (identity(folder) !== before) return
  const old = `${folder}.${process.pid}.old`
  if (before !== undefined) renameSync(folder, old)
  try {
    renameSync(tree, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
  }
  rmSync(old, { recursive: true, force: true })
}

const identity = folder => statSync(folder, { throwIfNoEntry: false })?.ino

/** Runs a command to its end; never throws for what the command did. */
function run(command, args, cwd, env = {}) {
  return new Promise(resolve => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    child.stdout.on('data', data => (output += data))
    child.stderr.on('data', data => (output += data))
    child.on('error', error => resolve({ code: 1, output: `${basename(command)}: ${error.message}` }))
    child.on('close', code => resolve({ code: code ?? 1, output }))
  })
}

/** The first line that apt marked as an error or a warning, else its last one. */
function problem(output) {
  const lines = output.trim().split('\n')
  return lines.find(line => /^[EW]:/.test(line)) ?? lines.at(-1) ?? ''
}

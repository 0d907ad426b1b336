import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { completed, missingPackages, type Lockfile } from '../../scripts/lockfile.mjs'

const lockfile = (): Lockfile => JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lockfile

test('package-lock.json holds every optional package it names, else `npm ci` refuses it: node scripts/lockfile.mjs', () => {
  expect(missingPackages(lockfile())).toEqual([])
})

test('a missing package is added for its platform', () => {
  const lock = lockfile()
  const name = 'node_modules/@oxlint/binding-linux-arm64-musl'
  delete lock.packages[name]
  expect(missingPackages(lock)).toEqual([
    ['@oxlint/binding-linux-arm64-musl', lock.packages['node_modules/oxlint']?.version, 'node_modules/oxlint'],
  ])
  const whole = completed(lock)
  expect(missingPackages(whole)).toEqual([])
  expect(whole.packages[name]).toMatchObject({
    os: ['linux'],
    cpu: ['arm64'],
    libc: ['musl'],
    optional: true,
    dev: true,
  })
  expect(Object.keys(whole.packages)).toEqual(Object.keys(lockfile().packages))
})

test('a package is found where Node would find it', () => {
  const lock: Lockfile = {
    packages: {
      'node_modules/a': { optionalDependencies: { b: '1.0.0', c: '1.0.0' } },
      'node_modules/a/node_modules/b': { version: '1.0.0' },
      'node_modules/a/node_modules/d': { optionalDependencies: { b: '1.0.0', e: '1.0.0' } },
      'node_modules/e': { version: '1.0.0' },
    },
  }
  expect(missingPackages(lock)).toEqual([['c', '1.0.0', 'node_modules/a']])
})

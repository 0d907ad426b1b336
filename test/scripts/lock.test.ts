import { existsSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { withLock } from '../../scripts/lock.mjs'
import { startNode } from '../support/process.js'
import { tmpDir } from '../support/tmp.js'

const MODULE = new URL('../../scripts/lock.mjs', import.meta.url).href

test('one at a time, the others wait and are told by whom', async () => {
  const file = join(tmpDir(), 'lock')
  const told: unknown[] = []
  let inside = 0
  let most = 0
  const work = async () => {
    most = Math.max(most, ++inside)
    await delay(20)
    inside--
  }
  await Promise.all([1, 2, 3].map(() => withLock(file, work, holder => told.push(holder))))
  expect(most).toBe(1)
  expect(told).toEqual([process.pid, process.pid])
  expect(existsSync(file)).toBe(false)
})

test('a lock is given back when the work fails', async () => {
  const file = join(tmpDir(), 'lock')
  await expect(withLock(file, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  expect(await withLock(file, () => Promise.resolve('done'))).toBe('done')
})

test('a lock whose holder was killed is taken over by one of those who wait', async () => {
  const file = join(tmpDir(), 'lock')
  const script = `
    import { withLock } from ${JSON.stringify(MODULE)}
    await withLock(${JSON.stringify(file)}, () => { console.log('held'); return new Promise(r => setTimeout(r, 1e6)) })`
  const holder = startNode(['--input-type=module', '-e', script])
  await holder.line('held')
  let inside = 0
  const enter = () =>
    withLock(file, async () => {
      expect(++inside).toBe(1)
      await delay(10)
      inside--
    })
  const waiting = [enter(), enter(), enter()]
  await delay(50)
  expect(inside).toBe(0)
  await holder.kill()
  await Promise.all(waiting)
})

test('a lock that nobody has touched for long is dead, though its process id is alive again', async () => {
  const file = join(tmpDir(), 'lock')
  writeFileSync(file, `${process.pid}\n`)
  const old = new Date(Date.now() - 60_000)
  utimesSync(file, old, old)
  expect(await withLock(file, () => Promise.resolve('mine'))).toBe('mine')
})

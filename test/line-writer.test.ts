import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LineWriter } from '../src/line-writer.js'
import { tmpDir } from './support/tmp.js'

test('lines are written in their order, and none is lost where there is room', async () => {
  const path = join(tmpDir('lines'), 'log')
  const file = openSync(path, 'w')
  const writer = new LineWriter(file)
  const lines = Array.from({ length: 500 }, (_, n) => `line ${n}\n`)
  for (const line of lines.slice(0, 250)) writer.write(line)
  await writer.flush(5_000)
  for (const line of lines.slice(250)) writer.write(line)
  writer.finish()
  closeSync(file)
  expect(readFileSync(path, 'utf8')).toBe(lines.join(''))
  expect(writer.lost).toBe(0)
})

test('lines that cannot be written are lost, counted, and waited for by nobody', async () => {
  const full = openSync('/dev/full', 'w')
  const writer = new LineWriter(full)
  for (let n = 0; n < 100; n++) writer.write('a line\n')
  await writer.flush(5_000)
  expect(writer.lost).toBe(100)
  writer.write('the last line\n')
  writer.finish()
  closeSync(full)
})

test('a pipe that is full keeps lines waiting up to a bound; what is beyond it is lost, and the rest arrives whole', async () => {
  const path = join(tmpDir('lines'), 'pipe')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const pipe = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  const writer = new LineWriter(pipe)
  const line = `${'x'.repeat(99_999)}\n`
  for (let n = 0; n < 150; n++) writer.write(line)
  await writer.flush(100)
  expect(writer.lost).toBeGreaterThan(40)
  const kept = 150 - writer.lost
  let read = ''
  const chunk = Buffer.alloc(65_536)
  const take = () => {
    try {
      for (let n = 1; n > 0;) read += chunk.toString('utf8', 0, (n = readSync(reader, chunk)))
    } catch {
      // it is empty
    }
  }
  for (const until = performance.now() + 20_000; read.length < kept * line.length && performance.now() < until;) {
    take()
    await writer.flush(10)
  }
  expect(read).toBe(line.repeat(kept))
  closeSync(pipe)
  closeSync(reader)
})

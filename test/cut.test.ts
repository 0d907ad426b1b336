import { expect, test } from 'vitest'
import { beginningOf, boundedLine, cut, cutInside, LONGEST_VALUE, shorten } from '../src/cut.js'
import { cutReason, encodeFailure } from '../src/swf/failure.js'
import { described } from '../src/workflow/replay/stuck.js'

const half = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/

test('a text that is cut ends in no half of a character, wherever it is cut', () => {
  const text = 'é🍰x👩‍👩‍👧'.repeat(4)
  for (let most = 1; most < text.length; most++) {
    expect(beginningOf(text, most).length).toBeLessThanOrEqual(most)
    expect(text.startsWith(beginningOf(text, most))).toBe(true)
    expect(shorten(text, most)).toMatch(/…$/)
    expect(shorten(text, most).length).toBeLessThanOrEqual(most)
    for (const made of [beginningOf(text, most), shorten(text, most), cut(text, most), cutInside(text, most)])
      expect(made).not.toMatch(half)
  }
  expect([beginningOf(text, text.length), shorten(text, text.length)]).toEqual([text, text])
})

test.each(['', 'x'])('reasons and messages of failures with emoji are cut between characters', before => {
  const text = before + '🍰'.repeat(20_000)
  for (const made of [cutReason(text), described(new Error(text))]) expect(made).not.toMatch(half)
  const failure = JSON.parse(encodeFailure({ code: 'C', reason: 'r', message: text })) as object
  expect(JSON.stringify(failure)).not.toMatch(/\\ud8/)
})

test('a line of the log bounds every value, wherever it stands, and stays JSON', () => {
  const long = 'é'.repeat(40_000)
  const line = `${JSON.stringify({ level: 40, err: { message: long, stack: [long] }, many: Array(1_000).fill(1), message: long })}\n`
  const bounded = boundedLine(line)
  const { err, many, message } = JSON.parse(bounded) as any
  for (const value of [err.message, err.stack[0], message])
    expect(value).toBe(`${'é'.repeat(LONGEST_VALUE)}… (40000 characters)`)
  expect(many).toHaveLength(101)
  expect(bounded.endsWith('}\n')).toBe(true)
  expect(boundedLine('{"level":30}\n')).toBe('{"level":30}\n')
})

test('a line with very many values keeps what tells which it was', () => {
  const facts = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`fact${n}`, 'x'.repeat(1_000)]))
  const line = `${JSON.stringify({ level: 40, component: 'worker', ...facts, message: 'activity failed' })}\n`
  expect(JSON.parse(boundedLine(line))).toEqual({
    level: 40,
    component: 'worker',
    omitted: `${line.length} characters`,
    message: 'activity failed',
  })
})

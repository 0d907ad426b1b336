import { expect, test } from 'vitest'
import { beginningOf, cut, cutInside, shorten } from '../src/cut.js'
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

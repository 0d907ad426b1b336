// What a workflow shows of itself, and what executions have in common: nothing.

import { afterEach, expect, test } from 'vitest'
import { testEnvironment, type TestEnvironment } from '../../src/testing/index.js'
import { defineSignal, defineState, defineWorkflow, mapContinued, setState, sleep } from '../../src/workflow/index.js'
import { decodePayload } from '../../src/swf/payload.js'
import { decisionAttributes } from '../../src/swf/decision.js'
import { Story } from '../support/given.js'

let env: TestEnvironment | undefined
afterEach(async () => {
  await env?.close()
  env = undefined
})

const add = defineSignal<string>('add')

test.each([{ cached: 100 }, { cached: 0 }])(
  'no execution sees what another one has changed of an initial state ($cached kept in memory)',
  async ({ cached }) => {
    const basket = defineState({ lines: [] as string[] })
    const shop = defineWorkflow('Shop', '1', {}, async () => {
      basket.get().lines.push(await add.receive())
      await sleep('1s')
      basket.set(basket.get())
      return basket.get().lines
    })
    env = await testEnvironment({ workflows: [shop], cached })
    for (const sku of ['KBD', 'MOUSE']) {
      const execution = await env.start(shop)
      expect(await execution.state(basket)).toEqual({ lines: [] })
      await execution.signal(add, sku)
      expect(await execution.result()).toEqual([sku])
      expect(await execution.state(basket)).toEqual({ lines: [sku] })
    }
    basket.initial.lines.push('MONITOR')
    expect(basket.initial).toEqual({ lines: [] })
  },
)

test('what is read of a state before it is set is the same each time, and is not shown', async () => {
  const counted = defineState({ count: 0 })
  const counter = defineWorkflow('Counter', '1', {}, async () => {
    counted.get().count++
    await add.receive()
    return counted.get().count
  })
  const story = new Story(counter)
  await story.go()
  expect(story.context).toEqual({})
  story.signal('add')
  const [close] = await story.go()
  expect(decisionAttributes(close!)).toEqual({ result: '1' })
})

test('a state that was set to null is null', async () => {
  const chosen = defineState<string | null>('nothing')
  const choice = defineWorkflow('Choice', '1', {}, async () => {
    setState(null)
    return chosen.get()
  })
  env = await testEnvironment({ workflows: [choice] })
  const execution = await env.start(choice)
  expect(await execution.result()).toBeNull()
  expect(await execution.state(chosen)).toBeNull()
})

test('an initial state that is no JSON is refused where it is defined', () => {
  expect(() => defineState({ since: 10n })).toThrow('state: a bigint (at since) cannot be sent as JSON')
})

test('a loop continues with the input that the run was given, whatever its code made of it', async () => {
  const mutating = defineWorkflow('Loop', '1', {}, async (items: string[]) => {
    const done = items.splice(0)
    await mapContinued(done, { concurrency: 1 }, () => add.receive())
  })
  const story = new Story(mutating, ['a', 'b'])
  await story.go()
  while (story.events.length < 10_000) story.signal('noise', 0, 'once')
  const [close] = await story.signal('add').go()
  expect(decodePayload(decisionAttributes(close!).input as string).value).toEqual(['a', 'b'])
})

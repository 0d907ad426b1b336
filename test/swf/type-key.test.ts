import { afterEach, expect, test } from 'vitest'
import { typeKey, typeOfKey } from '../../src/swf/type-key.js'
import { implement, testEnvironment, type TestEnvironment } from '../../src/testing/index.js'
import { checkTypes } from '../../src/workers/duplicate.js'
import { defineActivity, defineWorkflow, executeChild } from '../../src/workflow/index.js'

let env: TestEnvironment | undefined
afterEach(() => env?.close())

test('two types have two keys, and a key tells its type', () => {
  const types = [
    { name: 'Order A', version: '1' },
    { name: 'Order', version: 'A 1' },
    { name: 'Order A 1', version: '1' },
  ]
  expect(new Set(types.map(typeKey)).size).toBe(types.length)
  expect(types.map(typeKey).map(typeOfKey)).toEqual(types)
})

test('types whose names and versions make the same text are run each by its own code', async () => {
  const pack = defineActivity<void, string>('Pack A', '1')
  const other = defineActivity<void, string>('Pack', 'A 1')
  const order = defineWorkflow('Order A', '1', {}, async () => `order A, ${await pack()}`)
  const express = defineWorkflow(
    'Order',
    'A 1',
    {},
    async () => `order, ${await other()}, ${await executeChild(order)}`,
  )
  const workflows = [order, express]
  const handlers = [implement(pack, async () => 'packed A'), implement(other, async () => 'packed')]
  checkTypes('workflows', workflows)
  env = await testEnvironment({ workflows, handlers })
  expect(await env.execute(order)).toBe('order A, packed A')
  expect(await env.execute(express)).toBe('order, packed, order A, packed A')
})

// What a workflow may wait for: whatever a signal may still bring about.

import { EventEmitter, once } from 'node:events'
import { expect, test } from 'vitest'
import { defineSignal, defineWorkflow } from '../../src/workflow/index.js'
import { Story } from '../support/given.js'
import { lived } from '../support/lived.js'

const approved = defineSignal<string>('approved')

const WAITS: [string, () => Promise<unknown>][] = [
  ['a promise that it resolves', () => new Promise(resolve => approved.handle(resolve))],
  [
    'an AbortController',
    () => {
      const abort = new AbortController()
      approved.handle(by => abort.abort(by))
      return new Promise(resolve => abort.signal.addEventListener('abort', () => resolve(abort.signal.reason)))
    },
  ],
  [
    'an event',
    async () => {
      const emitter = new EventEmitter()
      approved.handle(by => void emitter.emit('approved', by))
      const [by] = (await once(emitter, 'approved')) as [string]
      return by
    },
  ],
]

test.each(WAITS)('a workflow whose handler of a signal wakes it waits for that: %s', async (_what, run) => {
  const waiting = defineWorkflow('Waiting', '1', {}, run)
  const story = new Story(waiting)
  expect(await story.go()).toEqual([])
  expect(await story.signal('approved', 'ada').go()).toMatchObject([{ decisionType: 'CompleteWorkflowExecution' }])

  const result = await lived(waiting, async execution => {
    await execution.signal(approved, 'ada')
    return execution.result()
  })
  expect(result).toBe('ada')
})

test('a workflow that handles no signal and waits for what nothing brings about is stuck', async () => {
  const never = new Story(defineWorkflow('Never', '1', {}, () => new Promise(() => {})))
  expect(await never.decide()).toMatchObject({ kind: 'stuck' })
})

import { expect, test } from 'vitest'
import { Decider, type DeciderOptions } from '../../src/workers/decider/decider.js'
import { checkTypes } from '../../src/workers/duplicate.js'
import { defineActivity, defineWorkflow } from '../../src/workflow/index.js'

test('a decider does not start with two workflows of the same type; two versions are two types', () => {
  const workflows = ['1', '2', '1'].map(version => defineWorkflow('Order', version, {}, async () => {}))
  const decider = (some: typeof workflows) => new Decider({ workflows: some } as unknown as DeciderOptions)
  expect(() => decider(workflows)).toThrow('two workflows of type Order 1: leave one out, or give it another version')
  expect(() => decider(workflows.slice(1))).not.toThrow()
})

test('an activity has one handler on a task list', () => {
  const [one, other] = ['fast', 'slow'].map(taskList => defineActivity('Charge', '1', { taskList }))
  expect(() => checkTypes('handlers', [one!, other!])).not.toThrow()
  expect(() => checkTypes('handlers', [one!, other!, one!])).toThrow(
    expect.objectContaining({
      code: 'DUPLICATE_TYPE',
      message: expect.stringContaining('two handlers of type Charge 1'),
    }),
  )
})

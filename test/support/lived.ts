// A workflow lived through against the local SWF: by a decider that keeps runs in memory, by one that replays each decision
// from the whole history, and then once more, cold, from the history that was recorded.

import { expect } from 'vitest'
import { checkHistory } from './history-checker.js'
import { testEnvironment, type TestEnvironment, type TestEnvironmentOptions } from '../../src/testing/index.js'
import type { TestExecution } from '../../src/testing/execution.js'
import type { WorkflowDefinition } from '../../src/workflow/index.js'
import { replay } from '../../src/workflow/replay/replay.js'

/** Resolves to what `act` makes of an execution, each time the same. */
export async function lived<R, T>(
  workflow: WorkflowDefinition<any, R>,
  act: (execution: TestExecution<R>, env: TestEnvironment) => Promise<T>,
  options: Omit<TestEnvironmentOptions, 'workflows' | 'cached'> & {
    workflows?: TestEnvironmentOptions['workflows']
    input?: unknown
  } = {},
): Promise<T> {
  const { workflows = [], input, ...rest } = options
  const told: T[] = []
  for (const cached of [100, 0]) {
    const env = await testEnvironment({ ...rest, workflows: [workflow, ...workflows], cached })
    try {
      const execution = await env.start<any, R>(workflow, input)
      told.push(await act(execution, env))
      const events = await execution.history()
      expect(checkHistory(events)).toEqual([])
      const { workflowId, runId } = execution
      expect(await replay(workflow, { execution: { workflowId, runId }, events })).toMatchObject({ kind: 'decided' })
    } finally {
      await env.close()
    }
  }
  expect(told[1], 'a cold replay decides as the run in memory').toEqual(told[0])
  return told[0]!
}

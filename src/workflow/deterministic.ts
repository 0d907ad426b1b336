// What a workflow may know, the same in every replay.

import type { WorkflowExecution } from '../swf/history-event.js'
import { currentRun } from './replay/current.js'

/** Returns the time, in milliseconds since 1970: that of the decision task at work, so it stands still between events. */
export function now(): number {
  return currentRun('now').now
}

/** Returns a random number from 0 to 1, seeded by the run. */
export function random(): number {
  return currentRun('random').random()
}

/** Returns a random UUID (version 4), seeded by the run. Unique, but no secret. */
export function uuid(): string {
  const run = currentRun('uuid')
  const digit = () => Math.floor(run.random() * 16)
  return 'xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx'.replace(/[xy]/g, place =>
    (place === 'x' ? digit() : 8 + (digit() % 4)).toString(16),
  )
}

/** Returns the ids of the execution that runs. */
export function workflowExecution(): WorkflowExecution {
  return { ...currentRun('workflowExecution').execution }
}

/** Tells whether the execution was asked to cancel. */
export function isCancelRequested(): boolean {
  return currentRun('isCancelRequested').cancelRequested !== undefined
}

/** Returns the number of events so far. SWF ends an execution at 25,000. */
export function historyLength(): number {
  return currentRun('historyLength').historyLength
}

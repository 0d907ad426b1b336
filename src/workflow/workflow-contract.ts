// What a decider and those who start a workflow agree on about it.

import type { ChildPolicy } from '../swf/decision.js'
import type { Timeout } from '../swf/duration.js'
import type { Validator } from './validator.js'

/** What is agreed about a workflow. */
export interface WorkflowOptions<I, R> {
  /** Checks and types the input. An execution whose input is not valid fails with VALIDATION_FAILED. */
  input?: Validator<I>
  result?: Validator<R>
  /** SWF task list of its decision tasks. @default 'decisions' */
  taskList?: string
  /** How long an execution may take in all; SWF's limit is a year. @default '1d' */
  executionStartToClose?: Exclude<Timeout, 'NONE'>
  /** How long a decision may take before it is given to another decider. @default '30s' */
  taskStartToClose?: Exclude<Timeout, 'NONE'>
  /** What happens to its children when the execution is terminated or times out, to all of them alike. @default 'TERMINATE' */
  childPolicy?: ChildPolicy
  /**
   * What an unexpected error in the workflow's code does: `park` leaves the execution open and waits for mended code,
   * `fail` fails it. What cannot be replayed, such as `Date.now()`, parks it in any case. @default 'park'
   */
  onError?: 'park' | 'fail'
  description?: string
}

/** A workflow type and its options. */
export interface WorkflowContract<I = any, R = any> {
  readonly name: string
  readonly version: string
  readonly options: WorkflowOptions<I, R> &
    Required<
      Pick<WorkflowOptions<I, R>, 'taskList' | 'executionStartToClose' | 'taskStartToClose' | 'childPolicy' | 'onError'>
    >
}

export const WORKFLOW_DEFAULTS = {
  taskList: 'decisions',
  executionStartToClose: '1d',
  taskStartToClose: '30s',
  childPolicy: 'TERMINATE',
  onError: 'park',
} satisfies WorkflowOptions<never, never>

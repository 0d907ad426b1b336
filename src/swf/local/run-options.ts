// What a new run is started with: what the caller gave, else what its type was registered with.

import type { RegisteredType } from './domain.js'
import type { RunAttributes } from './engine.js'
import type { Input } from './model.js'

type Given = Pick<
  Input<'StartWorkflowExecution'>,
  | 'input'
  | 'executionStartToCloseTimeout'
  | 'taskStartToCloseTimeout'
  | 'childPolicy'
  | 'taskList'
  | 'taskPriority'
  | 'tagList'
  | 'lambdaRole'
>

export const UNDEFINED_CAUSE = {
  defaultExecutionStartToCloseTimeout: 'DEFAULT_EXECUTION_START_TO_CLOSE_TIMEOUT_UNDEFINED',
  defaultTaskStartToCloseTimeout: 'DEFAULT_TASK_START_TO_CLOSE_TIMEOUT_UNDEFINED',
  defaultTaskList: 'DEFAULT_TASK_LIST_UNDEFINED',
  defaultChildPolicy: 'DEFAULT_CHILD_POLICY_UNDEFINED',
} as const

/** Returns the attributes of the new run, or the name of the default that neither the caller nor the type gives. */
export function runAttributes(given: Given, type: RegisteredType): RunAttributes | keyof typeof UNDEFINED_CAUSE {
  const { defaults } = type
  const executionStartToCloseTimeout =
    given.executionStartToCloseTimeout ?? defaults.defaultExecutionStartToCloseTimeout
  const taskStartToCloseTimeout = given.taskStartToCloseTimeout ?? defaults.defaultTaskStartToCloseTimeout
  const taskList = given.taskList ?? defaults.defaultTaskList
  const childPolicy = given.childPolicy ?? defaults.defaultChildPolicy
  if (executionStartToCloseTimeout === undefined) return 'defaultExecutionStartToCloseTimeout'
  if (taskStartToCloseTimeout === undefined) return 'defaultTaskStartToCloseTimeout'
  if (taskList === undefined) return 'defaultTaskList'
  if (childPolicy === undefined) return 'defaultChildPolicy'
  return {
    input: given.input,
    executionStartToCloseTimeout,
    taskStartToCloseTimeout,
    childPolicy,
    taskList,
    taskPriority: given.taskPriority ?? defaults.defaultTaskPriority,
    workflowType: { name: type.name, version: type.version },
    tagList: given.tagList,
    lambdaRole: given.lambdaRole ?? defaults.defaultLambdaRole,
  }
}

// Door `swf-gateway/workflow`: what workflows may import. Nothing here does I/O.

export { defineActivity, defineWorkflow, type ActivityDefinition, type WorkflowDefinition } from './definition.js'
export type { WorkflowOptions } from './workflow-contract.js'
export type { ActivityOptions, WithInput } from './contract.js'
export type { ActivityCallOptions } from './activity.js'
export type { RetryPolicy } from './retry.js'
export type { Validator } from './validator.js'
export type { Duration, Timeout } from '../swf/duration.js'
export { defineSignal, type SignalDefinition } from './signal.js'
export { executeChild, startChild, type ChildHandle, type ChildWorkflowOptions } from './child-workflow.js'
export { cancelExternal, signalExternal, type ExternalExecution } from './external.js'
export { patched, sideEffect } from './marker.js'
export { continueAsNewSuggested, type ContinueOptions, type WorkflowSelf } from './continue-as-new.js'
export { sleep, sleepUntil } from './timer.js'
export { scope, shielded, withTimeout, type ScopeHandle } from './scope.js'
export { all, any, map, race } from './concurrency.js'
export { mapContinued, type MapContinuedOptions } from './map-continued.js'
export { cron, nextCron, type CronOptions } from './cron.js'
export { condition } from './condition.js'
export { log, type WriteLine } from './log.js'
export { historyLength, isCancelRequested, now, random, uuid, workflowExecution } from './deterministic.js'
export { defineState, setState, type StateDefinition } from './state.js'
export { saga, type SagaBuilder, type SagaContext } from './saga-builder.js'
export { SagaDeadlineExpired, SagaFailed } from './saga-errors.js'
export type { Saga, SagaOptions, StepUndo } from './saga.js'
export { runSaga } from './saga-run.js'
export type { Branch, ChildStepOptions, Part, PartOptions, ReceiveOptions, StepOptions } from './saga-part.js'
export { retryUndo, type RetryUndo, type Undo, type UndoCallOptions, type UndoOptions } from './saga-undo.js'
export {
  ActivityTaskCanceled,
  ActivityTaskFailed,
  ActivityTaskTimedOut,
  Cancellation,
  HistoryLimitReached,
  NoneSucceeded,
  PayloadTooLargeFailure,
  RemoteFailure,
  ScheduleActivityTaskFailed,
  ScopeCanceled,
  TimeoutExpired,
  ValidationFailed,
  WorkflowExecutionCancelRequested,
  WorkflowExecutionFailed,
  WorkflowFailure,
} from './errors.js'
export {
  ChildWorkflowExecutionCanceled,
  ChildWorkflowExecutionFailed,
  ChildWorkflowExecutionTerminated,
  ChildWorkflowExecutionTimedOut,
  RequestCancelExternalWorkflowExecutionFailed,
  SignalExternalWorkflowExecutionFailed,
  StartChildWorkflowExecutionFailed,
} from './external-errors.js'

/**
 * Door `swf-gateway/testing`: workflows under test against a local SWF in the same process, whose time moves at will.
 * No Redis, no network, no waiting.
 *
 * @module
 */

export {
  testEnvironment,
  type ActivityCall,
  type StartOptions,
  type TestEnvironment,
  type TestEnvironmentOptions,
} from './environment.js'
export { ExecutionNotCompleted, ExecutionStuck, type TestExecution } from './execution.js'
export {
  ActivityFailure,
  implement,
  OpenActivity,
  type ActivityContext,
  type Handler,
  type HandlerOptions,
} from '../workers/definitions.js'
export { ActivityClosed } from '../queues/open-task.js'

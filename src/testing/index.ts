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
export { ActivityFailure, implement, type ActivityContext, type Handler } from '../workers/definitions.js'

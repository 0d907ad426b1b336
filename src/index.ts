// Door `swf-gateway`: what applications implement, and the client. Workflows import `swf-gateway/workflow` instead.

export {
  ActivityAborted,
  ActivityFailure,
  implement,
  OpenActivity,
  type AbortCode,
  type ActivityContext,
  type App,
  type Handler,
  type HandlerOptions,
} from './workers/definitions.js'
export { implementInThread, type HandlerFunction, type ThreadOptions } from './workers/thread-handler.js'
export { createSwfClient, type SwfClient, type SwfClientOptions } from './swf/client.js'
export { SwfFault, type FaultCode } from './swf/errors.js'
export type { HistoryEvent } from './swf/history-event.js'

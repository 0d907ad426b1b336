// The rules that every history of SWF keeps, run on every history that a test produces.

export { HistoryChecker, checkHistory, type CheckedEvent } from '../../src/swf/history-check.js'

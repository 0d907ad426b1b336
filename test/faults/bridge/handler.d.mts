import type { ActivityContext } from '../../../src/workers/definitions.js'

export declare function handlerOf(ledger: string): (input: unknown, job: ActivityContext) => Promise<unknown>

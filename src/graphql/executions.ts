// Executions as one request sees them: from the index where that is enough, else from SWF.

import { deriveUpdates, type ExecutionSummary } from '../feed/update.js'
import type { ExecutionIndex } from '../feed/execution-index.js'
import type { SwfClient } from '../swf/client.js'
import { isFault, SwfFault } from '../swf/errors.js'
import type { Budget } from './budget.js'
import { executionOf, type Execution } from './execution.type.js'
import type { Histories, HistoryReading } from './histories.js'

export interface ExecutionsOptions {
  index: ExecutionIndex
  swf: SwfClient
  histories: Histories
}

/** An execution's whereabouts. */
export type RunKey = Pick<Execution, 'domain' | 'workflowId' | 'runId'>

export class Executions {
  readonly #index: ExecutionIndex
  readonly #swf: SwfClient
  readonly #histories: Histories
  /** So that all fields of one execution see one history. */
  readonly #readings = new WeakMap<RunKey, Promise<HistoryReading>>()
  /** What this request has shown, by id. */
  #shown: Map<string, Execution> | undefined

  constructor(
    { index, swf, histories }: ExecutionsOptions,
    private readonly budget: Budget,
  ) {
    this.#index = index
    this.#swf = swf
    this.#histories = histories
  }

  /**
   * From now on an execution is what it was when it was first read: clients keep one of each id, and must not be given two
   * that differ. For queries and single events; what a mutation reads, it may have changed itself.
   */
  remember(): void {
    this.#shown = new Map()
  }

  /** Returns the execution as this request has shown it already; this one, if it has not. */
  asShown(execution: Execution): Execution {
    const shown = this.#shown?.get(execution.id)
    if (!shown) this.#shown?.set(execution.id, execution)
    return shown ?? execution
  }

  /** Finds a run, or of a workflowId the open run, else the latest. Asks SWF only for what the index does not have. */
  async find(domain: string, workflowId: string, runId?: string | null): Promise<Execution | undefined> {
    const summary = await this.#index.find(domain, workflowId, runId ?? undefined)
    return summary ? this.asShown(executionOf(summary, 'INDEX')) : this.findInSwf(domain, workflowId, runId)
  }

  /** As `findInSwf`, but as the index knows it while SWF does not answer, throttles, or refuses the gateway. */
  async findNow(domain: string, workflowId: string, runId?: string | null): Promise<Execution | undefined> {
    try {
      return await this.findInSwf(domain, workflowId, runId)
    } catch (error) {
      if (!(error instanceof SwfFault) || error.code === 'UNKNOWN_RESOURCE') throw error
      const known = this.#index.find(domain, workflowId, runId ?? undefined)
      if (known) return this.asShown(executionOf(known, 'INDEX'))
      throw error
    }
  }

  /** As `find`, but everything comes from the history: what SWF says now. */
  async findInSwf(domain: string, workflowId: string, runId?: string | null): Promise<Execution | undefined> {
    if (runId) return this.#fromHistory({ domain, workflowId, runId })
    const known = await this.#index.find(domain, workflowId)
    if (known?.status === 'OPEN') {
      const execution = await this.#fromHistory(known)
      if (execution?.status === 'OPEN') return execution
    }
    const found =
      (await this.openRun(domain, workflowId)) ?? known?.runId ?? (await this.#closedRun(domain, workflowId))
    return found === undefined ? undefined : this.#fromHistory({ domain, workflowId, runId: found })
  }

  /** Reads the history of an execution, once for all its fields. */
  history(execution: RunKey): Promise<HistoryReading> {
    let reading = this.#readings.get(execution)
    if (!reading) {
      reading = this.#read(execution)
      this.#readings.set(execution, reading)
    }
    return reading
  }

  #read({ domain, workflowId, runId }: RunKey): Promise<HistoryReading> {
    const reading = (async () => this.#histories.read(domain, workflowId, runId, () => this.budget.read()))()
    return reading.catch(this.budget.unread)
  }

  /** Asks SWF which run of a workflowId is open. */
  async openRun(domain: string, workflowId: string): Promise<string | undefined> {
    this.budget.read()
    const { executionInfos } = await this.#swf
      .listOpenWorkflowExecutions({ domain, ...latestOf(workflowId) })
      .catch(this.budget.unread)
    return executionInfos?.[0]?.execution?.runId
  }

  async #closedRun(domain: string, workflowId: string): Promise<string | undefined> {
    this.budget.read()
    const { executionInfos } = await this.#swf
      .listClosedWorkflowExecutions({ domain, ...latestOf(workflowId) })
      .catch(this.budget.unread)
    return executionInfos?.[0]?.execution?.runId
  }

  async #fromHistory(run: RunKey): Promise<Execution | undefined> {
    try {
      const reading = await this.#read(run)
      const execution = this.asShown(executionOf(summaryOf(reading), reading.source, reading.asOf))
      if (!this.#readings.has(execution)) this.#readings.set(execution, Promise.resolve(reading))
      return execution
    } catch (error) {
      if (isFault(error, 'UNKNOWN_RESOURCE')) return undefined
      throw error
    }
  }
}

const latestOf = (workflowId: string) => ({
  executionFilter: { workflowId },
  startTimeFilter: { oldestDate: new Date(0) },
  maximumPageSize: 1,
})

function summaryOf({ domain, workflowId, runId, events }: HistoryReading): ExecutionSummary {
  return deriveUpdates(domain, { workflowId, runId }, undefined, events).record.summary
}

// A domain of the local SWF with workflows that a test decides by hand.

import { createSwfClient, type DecisionTask, type SwfClient } from '../../src/swf/client.js'
import type { Decision } from '../../src/swf/decision.js'
import { encodeExecutionContext, type ExecutionContext } from '../../src/swf/execution-context.js'
import type { HistoryEvent, WorkflowExecution } from '../../src/swf/history-event.js'
import { readHistory } from '../../src/swf/history.js'
import { afterFile } from '../support/dispose.js'
import { localSwf } from '../support/local-swf.js'

const TIMER: Decision = {
  decisionType: 'StartTimer',
  startTimerDecisionAttributes: { timerId: 'later', startToFireTimeout: '3600' },
} as Decision
const COMPLETE: Decision = {
  decisionType: 'CompleteWorkflowExecution',
  completeWorkflowExecutionDecisionAttributes: { result: '"done"' },
} as Decision

export class Shop {
  #started = 0
  private constructor(
    readonly swf: SwfClient,
    readonly domain: string,
  ) {}

  static async open(domain: string): Promise<Shop> {
    const { endpoint } = await localSwf()
    const swf = createSwfClient({ transport: 'http', endpoint })
    afterFile(() => swf.close())
    const shop = new Shop(swf, domain)
    await shop.register(domain)
    return shop
  }

  async register(domain: string): Promise<Shop> {
    await this.swf.registerDomain({ name: domain, workflowExecutionRetentionPeriodInDays: '1' })
    await this.swf.registerWorkflowType({
      domain,
      name: 'Order',
      version: '1.0',
      defaultTaskStartToCloseTimeout: '60',
      defaultExecutionStartToCloseTimeout: '3600',
      defaultChildPolicy: 'TERMINATE',
    })
    return domain === this.domain ? this : new Shop(this.swf, domain)
  }

  /** Starts a workflow whose decision tasks come on a list of its own. */
  async start(tags: string[] = []): Promise<WorkflowExecution> {
    const workflowId = `order-${++this.#started}`
    const { runId } = await this.swf.startWorkflowExecution({
      domain: this.domain,
      workflowId,
      workflowType: { name: 'Order', version: '1.0' },
      taskList: { name: workflowId },
      tagList: tags,
    })
    return { workflowId, runId: runId! }
  }

  poll({ workflowId }: WorkflowExecution): Promise<DecisionTask> {
    return this.swf.pollForDecisionTask({ domain: this.domain, taskList: { name: workflowId } })
  }

  respond({ taskToken }: DecisionTask, decisions: Decision[], context?: ExecutionContext): Promise<void> {
    return this.swf.respondDecisionTaskCompleted({
      taskToken,
      decisions,
      ...(context && { executionContext: encodeExecutionContext(context) }),
    })
  }

  /** Does a decision task, leaving the execution open. */
  async decide(execution: WorkflowExecution, context?: ExecutionContext): Promise<DecisionTask> {
    const task = await this.poll(execution)
    await this.respond(task, task.previousStartedEventId ? [] : [TIMER], context)
    return task
  }

  async complete(execution: WorkflowExecution, context?: ExecutionContext): Promise<DecisionTask> {
    const task = await this.poll(execution)
    await this.respond(task, [COMPLETE], context)
    return task
  }

  signal(execution: WorkflowExecution): Promise<void> {
    return this.swf.signalWorkflowExecution({ domain: this.domain, ...execution, signalName: 'go' })
  }

  terminate(execution: WorkflowExecution): Promise<void> {
    return this.swf.terminateWorkflowExecution({ domain: this.domain, ...execution, reason: 'enough' })
  }

  history(execution: WorkflowExecution): Promise<HistoryEvent[]> {
    return readHistory(this.swf, this.domain, execution)
  }
}

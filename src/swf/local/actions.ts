// The actions: one table from which the server answers. An answer is a value, its JSON text, or nothing (an empty body).

import { checkOrder, respondDecisionTaskCompleted } from './decisions.js'
import type { Engine } from './engine.js'
import { Fault, unknownExecution } from './fault.js'
import { typeText } from './domain.js'
import type { ActionName, Input } from './model.js'
import { INPUTS } from './model.js'
import type { Caller, Polls } from './polls.js'
import * as registration from './registration.js'
import { runAttributes } from './run-options.js'
import type { Shape } from './shape.js'
import { parse } from './shape.js'
import * as tasks from './tasks.js'
import * as visibility from './visibility.js'

/** What an action answers: a value, the text of one, or nothing; now or later. */
export type Answer = object | string | undefined | void | Promise<object | string | undefined>

export interface Context {
  readonly engine: Engine
  readonly polls: Polls
  /** Told of every request. */
  readonly onRequest?: ((action: string, body: unknown, answer: Answer) => void) | undefined
}

type Handler<A extends ActionName> = (input: Input<A>, context: Context, caller: Caller) => Answer

const ACTIONS: { [A in ActionName]: Handler<A> } = {
  RegisterDomain: (input, { engine }) => registration.registerDomain(engine, input),
  DescribeDomain: (input, { engine }, { region }) => registration.describeDomain(engine, input, region),
  ListDomains: (input, { engine }, { region }) => registration.listDomains(engine, input, region),
  DeprecateDomain: (input, { engine }) => registration.deprecateDomain(engine, input),
  UndeprecateDomain: (input, { engine }) => registration.undeprecateDomain(engine, input),
  ListTagsForResource: (input, { engine }) => registration.listTags(engine, input),
  TagResource: (input, { engine }) => registration.tag(engine, input),
  UntagResource: (input, { engine }) => registration.untag(engine, input),

  RegisterActivityType: (input, { engine }) => registration.registerType(engine, 'ActivityType', input),
  DescribeActivityType: ({ domain, activityType }, { engine }) =>
    registration.describeType(engine, domain, 'ActivityType', activityType),
  ListActivityTypes: (input, { engine }) => registration.listTypes(engine, 'ActivityType', input),
  DeprecateActivityType: ({ domain, activityType }, { engine }) =>
    registration.deprecateType(engine, domain, 'ActivityType', activityType),
  UndeprecateActivityType: ({ domain, activityType }, { engine }) =>
    registration.undeprecateType(engine, domain, 'ActivityType', activityType),
  DeleteActivityType: ({ domain, activityType }, { engine }) =>
    registration.deleteType(engine, domain, 'ActivityType', activityType),

  RegisterWorkflowType: (input, { engine }) => registration.registerType(engine, 'WorkflowType', input),
  DescribeWorkflowType: ({ domain, workflowType }, { engine }) =>
    registration.describeType(engine, domain, 'WorkflowType', workflowType),
  ListWorkflowTypes: (input, { engine }) => registration.listTypes(engine, 'WorkflowType', input),
  DeprecateWorkflowType: ({ domain, workflowType }, { engine }) =>
    registration.deprecateType(engine, domain, 'WorkflowType', workflowType),
  UndeprecateWorkflowType: ({ domain, workflowType }, { engine }) =>
    registration.undeprecateType(engine, domain, 'WorkflowType', workflowType),
  DeleteWorkflowType: ({ domain, workflowType }, { engine }) =>
    registration.deleteType(engine, domain, 'WorkflowType', workflowType),

  StartWorkflowExecution(input, { engine }) {
    const domain = engine.domain(input.domain)
    domain.refuseIfDeprecated()
    const type = domain.type('WorkflowType', input.workflowType)
    if (type.status === 'DEPRECATED') {
      throw new Fault('TypeDeprecatedFault', typeText('WorkflowType', input.workflowType))
    }
    const attributes = runAttributes(input, type)
    if (typeof attributes === 'string') throw new Fault('DefaultUndefinedFault', attributes)
    if (domain.open.has(input.workflowId)) throw new Fault('WorkflowExecutionAlreadyStartedFault', 'Already Started')
    const { openExecutions } = engine.quotas
    if (domain.open.size >= openExecutions) {
      throw new Fault('LimitExceededFault', `A domain can have at most ${openExecutions} open executions`)
    }
    return { runId: engine.start(domain, input.workflowId, attributes, engine.now()).runId }
  },
  SignalWorkflowExecution({ domain, workflowId, runId, signalName, input }, { engine }) {
    const attributes = { signalName, input, externalInitiatedEventId: 0 }
    engine.signal(openExecution(engine, domain, workflowId, runId), attributes, engine.now())
  },
  RequestCancelWorkflowExecution({ domain, workflowId, runId }, { engine }) {
    const x = openExecution(engine, domain, workflowId, runId)
    engine.requestCancel(x, { externalInitiatedEventId: 0 }, engine.now())
  },
  TerminateWorkflowExecution({ domain, workflowId, runId, reason, details, childPolicy }, { engine }) {
    const x = openExecution(engine, domain, workflowId, runId)
    const attributes = {
      reason,
      details,
      childPolicy: childPolicy ?? x.childPolicy,
      cause: 'OPERATOR_INITIATED',
    } as const
    engine.close(x, 'WorkflowExecutionTerminated', attributes, engine.now())
  },

  PollForDecisionTask: (input, { engine, polls }, caller) => tasks.pollForDecisionTask(engine, polls, input, caller),
  RespondDecisionTaskCompleted(input, { engine }) {
    const x = tasks.openTask(engine, 'decision', input.taskToken)
    checkOrder(input.decisions ?? [])
    respondDecisionTaskCompleted(engine, x, input)
  },
  PollForActivityTask: (input, { engine, polls }, caller) => tasks.pollForActivityTask(engine, polls, input, caller),
  RecordActivityTaskHeartbeat: (input, { engine }) => tasks.recordActivityTaskHeartbeat(engine, input),
  RespondActivityTaskCompleted: (input, { engine }) => tasks.respondActivityTaskCompleted(engine, input),
  RespondActivityTaskFailed: (input, { engine }) => tasks.respondActivityTaskFailed(engine, input),
  RespondActivityTaskCanceled: (input, { engine }) => tasks.respondActivityTaskCanceled(engine, input),
  CountPendingActivityTasks: ({ domain, taskList }, { engine }) => ({
    count: engine.domain(domain).activityTasks.size(taskList.name),
    truncated: false,
  }),
  CountPendingDecisionTasks: ({ domain, taskList }, { engine }) => ({
    count: engine.domain(domain).decisionTasks.size(taskList.name),
    truncated: false,
  }),

  DescribeWorkflowExecution: (input, { engine }) => visibility.describeExecution(engine, input),
  GetWorkflowExecutionHistory: (input, { engine }) => visibility.getHistory(engine, input),
  ListOpenWorkflowExecutions: (input, { engine }) => visibility.listOpen(engine, input),
  ListClosedWorkflowExecutions: (input, { engine }) => visibility.listClosed(engine, input),
  CountOpenWorkflowExecutions: (input, { engine }) => visibility.countOpen(engine, input),
  CountClosedWorkflowExecutions: (input, { engine }) => visibility.countClosed(engine, input),
}

function openExecution(engine: Engine, domain: string, workflowId: string, runId: string | undefined) {
  const x = engine.findOpen(engine.domain(domain).name, workflowId, runId)
  if (!x) throw unknownExecution(workflowId, runId)
  return x
}

const TABLE = new Map(
  (Object.keys(ACTIONS) as ActionName[]).map(name => [
    name as string,
    { shape: INPUTS[name] as Shape<never>, handle: ACTIONS[name] as Handler<never> },
  ]),
)

/** Does one action. Throws a Fault, or rejects with one. */
export function act(name: string, body: unknown, context: Context, caller: Caller): Answer {
  const action = TABLE.get(name)
  if (!action) throw new Fault('UnknownOperationException', '')
  const { engine, onRequest } = context
  let answer: Answer
  try {
    answer = engine.faults.act(name, body, () => {
      if (!engine.meter.take(name as ActionName)) throw new Fault('ThrottlingException', 'Rate exceeded')
      try {
        return action.handle(parse(action.shape, body), context, caller)
      } finally {
        engine.settle()
      }
    })
    return answer
  } finally {
    onRequest?.(name, body, answer)
  }
}

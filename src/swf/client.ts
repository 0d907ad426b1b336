// The way to SWF: one method an action. How a call travels is the transport's affair.
//
// C1. A poll is never retried here: a poll whose answer is lost has lost its task until the task's timeout, and a second
//     poll would hide that.
// C2. Every other action is tried up to three times when SWF throttles or does not answer; the caller decides what is after that.
// C3. Inputs and outputs are the SDK's: timestamps are Dates, whatever the transport.

import type * as Sdk from '@aws-sdk/client-swf'
import { setTimeout as delay } from 'node:timers/promises'
import { SwfFault } from './errors.js'
import type { HistoryEvent } from './history-event.js'
import type { Decision } from './decision.js'
import { httpTransport } from './transport-http.js'
import { sdkTransport } from './transport-sdk.js'

type Events<T> = Omit<T, 'events'> & { events: HistoryEvent[] }

/** The actions, each with its input and its output. */
export interface Actions {
  CountClosedWorkflowExecutions: [Sdk.CountClosedWorkflowExecutionsInput, Sdk.WorkflowExecutionCount]
  CountOpenWorkflowExecutions: [Sdk.CountOpenWorkflowExecutionsInput, Sdk.WorkflowExecutionCount]
  CountPendingActivityTasks: [Sdk.CountPendingActivityTasksInput, Sdk.PendingTaskCount]
  CountPendingDecisionTasks: [Sdk.CountPendingDecisionTasksInput, Sdk.PendingTaskCount]
  DeleteActivityType: [Sdk.DeleteActivityTypeInput, void]
  DeleteWorkflowType: [Sdk.DeleteWorkflowTypeInput, void]
  DeprecateActivityType: [Sdk.DeprecateActivityTypeInput, void]
  DeprecateDomain: [Sdk.DeprecateDomainInput, void]
  DeprecateWorkflowType: [Sdk.DeprecateWorkflowTypeInput, void]
  DescribeActivityType: [Sdk.DescribeActivityTypeInput, Sdk.ActivityTypeDetail]
  DescribeDomain: [Sdk.DescribeDomainInput, Sdk.DomainDetail]
  DescribeWorkflowExecution: [Sdk.DescribeWorkflowExecutionInput, Sdk.WorkflowExecutionDetail]
  DescribeWorkflowType: [Sdk.DescribeWorkflowTypeInput, Sdk.WorkflowTypeDetail]
  GetWorkflowExecutionHistory: [Sdk.GetWorkflowExecutionHistoryInput, Events<Sdk.History>]
  ListActivityTypes: [Sdk.ListActivityTypesInput, Sdk.ActivityTypeInfos]
  ListClosedWorkflowExecutions: [Sdk.ListClosedWorkflowExecutionsInput, Sdk.WorkflowExecutionInfos]
  ListDomains: [Sdk.ListDomainsInput, Sdk.DomainInfos]
  ListOpenWorkflowExecutions: [Sdk.ListOpenWorkflowExecutionsInput, Sdk.WorkflowExecutionInfos]
  ListTagsForResource: [Sdk.ListTagsForResourceInput, Sdk.ListTagsForResourceOutput]
  ListWorkflowTypes: [Sdk.ListWorkflowTypesInput, Sdk.WorkflowTypeInfos]
  PollForActivityTask: [Sdk.PollForActivityTaskInput, Sdk.ActivityTask]
  PollForDecisionTask: [Sdk.PollForDecisionTaskInput, Events<Sdk.DecisionTask>]
  RecordActivityTaskHeartbeat: [Sdk.RecordActivityTaskHeartbeatInput, Sdk.ActivityTaskStatus]
  RegisterActivityType: [Sdk.RegisterActivityTypeInput, void]
  RegisterDomain: [Sdk.RegisterDomainInput, void]
  RegisterWorkflowType: [Sdk.RegisterWorkflowTypeInput, void]
  RequestCancelWorkflowExecution: [Sdk.RequestCancelWorkflowExecutionInput, void]
  RespondActivityTaskCanceled: [Sdk.RespondActivityTaskCanceledInput, void]
  RespondActivityTaskCompleted: [Sdk.RespondActivityTaskCompletedInput, void]
  RespondActivityTaskFailed: [Sdk.RespondActivityTaskFailedInput, void]
  RespondDecisionTaskCompleted: [
    Omit<Sdk.RespondDecisionTaskCompletedInput, 'decisions'> & { decisions: Decision[] },
    void,
  ]
  SignalWorkflowExecution: [Sdk.SignalWorkflowExecutionInput, void]
  StartWorkflowExecution: [Sdk.StartWorkflowExecutionInput, Sdk.Run]
  TagResource: [Sdk.TagResourceInput, void]
  TerminateWorkflowExecution: [Sdk.TerminateWorkflowExecutionInput, void]
  UndeprecateActivityType: [Sdk.UndeprecateActivityTypeInput, void]
  UndeprecateDomain: [Sdk.UndeprecateDomainInput, void]
  UndeprecateWorkflowType: [Sdk.UndeprecateWorkflowTypeInput, void]
  UntagResource: [Sdk.UntagResourceInput, void]
}

export type Action = keyof Actions

/** An execution as SWF lists and describes it. */
export type WorkflowExecutionInfo = Sdk.WorkflowExecutionInfo
export type ActivityTask = Sdk.ActivityTask
export type DecisionTask = Actions['PollForDecisionTask'][1]

export interface CallOptions {
  /** Gives the call up. Do not abort a poll on shutdown: its task would be lost. */
  signal?: AbortSignal
  /** How long to wait for the answer, in milliseconds. @default 75_000 for polls, else 10_000 */
  timeout?: number
}

/** Carries one call; rejects with a SwfFault. */
export type Transport = (
  action: Action,
  input: object,
  options: { signal?: AbortSignal; timeout: number },
) => Promise<unknown>

/** SWF, one method an action: `swf.startWorkflowExecution(input)`. Every method rejects with a SwfFault. */
export type SwfClient = {
  [A in Action as Uncapitalize<A>]: (input: Actions[A][0], options?: CallOptions) => Promise<Actions[A][1]>
} & { close(): void }

export interface SwfClientOptions {
  /**
   * `sdk`: the AWS SDK, with its credentials, region and signatures: for Amazon.
   * `http`: plain keep-alive requests, unsigned: for a local SWF; needs `endpoint`.
   * A function: a direct call, such as a local SWF's own `call`.
   * @default 'sdk'
   */
  transport?: 'sdk' | 'http' | DirectCall
  /** URL of SWF. @default what the SDK finds: AWS_ENDPOINT_URL_SWF, else Amazon's endpoint for the region */
  endpoint?: string
  region?: string
  /** The most polls that this client holds open at a time. @default 100 */
  maxPolls?: number
}

/** Answers an action without a network; speaks SWF's wire shapes (timestamps are seconds since 1970). */
export type DirectCall = (action: string, input: object, options?: { signal?: AbortSignal }) => Promise<unknown>

const TRIES = 3
const POLLS: ReadonlySet<Action> = new Set(['PollForActivityTask', 'PollForDecisionTask'])
const POLL_TIMEOUT = 75_000
const CALL_TIMEOUT = 10_000

/** Returns a client. It opens no connection before its first call. */
export function createSwfClient(options: SwfClientOptions = {}): SwfClient {
  const { transport, close } = openTransport(options)
  const call = async (action: Action, input: object, { signal, timeout }: CallOptions = {}): Promise<unknown> => {
    const poll = POLLS.has(action)
    for (let tries = 1; ; tries++) {
      try {
        return await transport(action, input, {
          timeout: timeout ?? (poll ? POLL_TIMEOUT : CALL_TIMEOUT),
          ...(signal && { signal }),
        })
      } catch (error) {
        const again = !poll && tries < TRIES && error instanceof SwfFault && error.retryable && !signal?.aborted
        if (!again) throw error
        await delay(50 * 4 ** (tries - 1) * (0.5 + Math.random()))
      }
    }
  }
  return new Proxy({ close } as SwfClient, {
    get: (target, name) => {
      if (name in target || typeof name !== 'string' || name === 'then') return Reflect.get(target, name)
      const action = `${name[0]!.toUpperCase()}${name.slice(1)}` as Action
      const method = (input: object, callOptions?: CallOptions) => call(action, input, callOptions)
      Reflect.set(target, name, method)
      return method
    },
  })
}

function openTransport({ transport = 'sdk', ...options }: SwfClientOptions): { transport: Transport; close(): void } {
  if (transport === 'sdk') return sdkTransport(options)
  return httpTransport(transport, options.endpoint)
}

// The 39 actions of SWF, each with its input and its output, in the SDK's shapes.

import type * as Sdk from '@aws-sdk/client-swf'
import type { Decision } from './decision.js'
import type { HistoryEvent } from './history-event.js'

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

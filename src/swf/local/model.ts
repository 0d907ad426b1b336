// The service model (2012-01-25) as shapes: the scalars, the 13 decisions and the inputs of the 39 actions.

import { flag, integer, list, oneOf, required, structure, text, timestamp } from './shape.js'
import type { Of, Shape } from './shape.js'

const ONE_YEAR = 31_536_000

// eslint-disable-next-line no-control-regex
const FORBIDDEN = /[:/|\u0000-\u001f\u007f-\u009f]|\p{Surrogate}|^arn$/u
/** An identifier: whole characters, no `:` `/` `|`, no control characters, not the word `arn`. */
const identifier = (max: number, check?: (value: string) => string | undefined) =>
  text(1, max, value =>
    FORBIDDEN.test(value)
      ? "not contain ':', '/', '|', control characters or half characters, and must not be the literal string arn"
      : check?.(value),
  )
const trimmed = (value: string) => (value.trim() === value ? undefined : 'not start or end with whitespace')
const WHOLE = /^\d+$/
const duration = text(1, 8, value => (WHOLE.test(value) ? undefined : 'be an integer greater than or equal to 0'))
const timeout = text(1, 8, value =>
  value === 'NONE' || WHOLE.test(value) ? undefined : 'be NONE or an integer greater than or equal to 0',
)
const executionTimeout = text(1, 8, value =>
  WHOLE.test(value) && Number(value) <= ONE_YEAR ? undefined : `be an integer between 0 and ${ONE_YEAR}`,
)
// The service model lets decisions say NONE; the execution still ends after a year.
const decidedTimeout = text(1, 8, value =>
  value === 'NONE' || (WHOLE.test(value) && Number(value) <= ONE_YEAR)
    ? undefined
    : `be NONE or an integer between 0 and ${ONE_YEAR}`,
)
const lambdaTimeout = text(1, 8, value =>
  WHOLE.test(value) && Number(value) >= 1 && Number(value) <= 900 ? undefined : 'be an integer between 1 and 900',
)
const retention = text(1, 8, value =>
  value === 'NONE' || (WHOLE.test(value) && Number(value) <= 90) ? undefined : 'be NONE or an integer between 0 and 90',
)
const priority = text(1, 11, value =>
  /^[+-]?\d+$/.test(value) && Number(value) >= -2_147_483_648 && Number(value) <= 2_147_483_647
    ? undefined
    : 'be an integer between -2147483648 and 2147483647',
)

const DomainName = identifier(256)
const Name = identifier(256)
const Version = identifier(64)
const WorkflowId = identifier(256)
const ActivityId = identifier(256)
const TimerId = identifier(256)
const RunId = text(1, 64)
const OptionalRunId = text(0, 64)
const Data = text(0, 32_768)
const LimitedData = text(0, 2_048)
const Reason = text(0, 256)
const Identity = text(0, 256)
const SignalName = text(1, 256)
const Description = text(0, 1_024)
const Arn = text(1, 1_600)
const TaskToken = text(1, 1_024)
const PageToken = text(0, 2_048)
const PageSize = integer(0, 1_000)
const Tag = text(0, 256)
const TagList = list(Tag, 5)
const TaskList = structure({ name: required(identifier(256)) })
const ChildPolicy = oneOf('TERMINATE', 'REQUEST_CANCEL', 'ABANDON')
const RegistrationStatus = oneOf('REGISTERED', 'DEPRECATED')
const TypeName = structure({ name: required(Name), version: required(Version) })
const WorkflowExecution = structure({ workflowId: required(WorkflowId), runId: required(RunId) })
// Some task lists, and the name of a domain, are refused with whitespace around them; the others are not.
const TrimmedTaskList = structure({ name: required(identifier(256, trimmed)) })
const tagText = (value: string) =>
  /^[\p{L}\p{N}\s_.:/=+\-@]*$/u.test(value) ? undefined : 'only contain letters, digits, whitespace and _ . : / = + - @'
const tagKey = (value: string) => (/^aws:/i.test(value) ? 'not start with aws:' : tagText(value))
const ResourceTag = structure({ key: required(text(1, 128, tagKey)), value: text(0, 256, tagText) })

const ExecutionTimeFilter = structure({ oldestDate: required(timestamp), latestDate: timestamp })
const TypeFilter = structure({ name: required(Name), version: text(0, 64) })
const ExecutionFilter = structure({ workflowId: required(WorkflowId) })
const TagFilter = structure({ tag: required(Tag) })
const CloseStatusFilter = structure({
  status: required(oneOf('COMPLETED', 'FAILED', 'CANCELED', 'TERMINATED', 'CONTINUED_AS_NEW', 'TIMED_OUT')),
})

/** What StartWorkflowExecution, StartChildWorkflowExecution and ContinueAsNewWorkflowExecution all may say of the new run. */
const run = {
  input: Data,
  executionStartToCloseTimeout: executionTimeout,
  taskStartToCloseTimeout: timeout,
  taskList: TaskList,
  taskPriority: priority,
  childPolicy: ChildPolicy,
  tagList: TagList,
  lambdaRole: Arn,
}

/** The attributes of each decision. */
export const DECISIONS = {
  ScheduleActivityTask: structure({
    activityType: required(TypeName),
    activityId: required(ActivityId),
    control: Data,
    input: Data,
    scheduleToCloseTimeout: timeout,
    scheduleToStartTimeout: timeout,
    startToCloseTimeout: timeout,
    heartbeatTimeout: timeout,
    taskList: TaskList,
    taskPriority: priority,
  }),
  RequestCancelActivityTask: structure({ activityId: required(ActivityId) }),
  CompleteWorkflowExecution: structure({ result: Data }),
  FailWorkflowExecution: structure({ reason: Reason, details: Data }),
  CancelWorkflowExecution: structure({ details: Data }),
  ContinueAsNewWorkflowExecution: structure({
    ...run,
    executionStartToCloseTimeout: decidedTimeout,
    workflowTypeVersion: Version,
  }),
  RecordMarker: structure({ markerName: required(text(1, 256)), details: Data }),
  StartTimer: structure({ timerId: required(TimerId), control: Data, startToFireTimeout: required(duration) }),
  CancelTimer: structure({ timerId: required(TimerId) }),
  SignalExternalWorkflowExecution: structure({
    workflowId: required(WorkflowId),
    runId: OptionalRunId,
    signalName: required(SignalName),
    input: Data,
    control: Data,
  }),
  RequestCancelExternalWorkflowExecution: structure({
    workflowId: required(WorkflowId),
    runId: OptionalRunId,
    control: Data,
  }),
  StartChildWorkflowExecution: structure({
    ...run,
    executionStartToCloseTimeout: decidedTimeout,
    taskList: TrimmedTaskList,
    workflowType: required(TypeName),
    workflowId: required(WorkflowId),
    control: Data,
  }),
  ScheduleLambdaFunction: structure({
    id: required(text(1, 256)),
    name: required(text(1, 64)),
    control: Data,
    input: Data,
    startToCloseTimeout: lambdaTimeout,
  }),
}

export type DecisionType = keyof typeof DECISIONS
/** A decision as the engine takes it: its type, and its checked attributes. */
export type Decision = { [T in DecisionType]: { type: T; attributes: Of<(typeof DECISIONS)[T]> } }[DecisionType]

const DECISION_TYPES = Object.keys(DECISIONS) as DecisionType[]
const DecisionTypeShape = oneOf(...DECISION_TYPES)
const attributesMember = (type: string) => `${type[0]!.toLowerCase()}${type.slice(1)}DecisionAttributes`
const ATTRIBUTES_MEMBER = Object.fromEntries(DECISION_TYPES.map(type => [type, attributesMember(type)]))
const DecisionEnvelope = structure({ decisionType: required(DecisionTypeShape) })

const decision: Shape<Decision> = (value, at, problems) => {
  const { decisionType: type } = DecisionEnvelope(value, at, problems) as { decisionType: DecisionType | undefined }
  if (!type || !Object.hasOwn(DECISIONS, type)) return { type: 'RecordMarker', attributes: { markerName: '' } }
  const member = ATTRIBUTES_MEMBER[type]!
  const attributes = (value as Record<string, unknown>)[member] ?? {}
  return { type, attributes: DECISIONS[type](attributes, `${at}.${member}`, problems) } as Decision
}

const page = { nextPageToken: PageToken, maximumPageSize: PageSize, reverseOrder: flag }
const domain = { domain: required(DomainName) }
const activityType = structure({ ...domain, activityType: required(TypeName) })
const workflowType = structure({ ...domain, workflowType: required(TypeName) })
const domainName = structure({ name: required(DomainName) })
const pending = structure({ ...domain, taskList: required(TaskList) })
const types = structure({ ...domain, ...page, name: Name, registrationStatus: required(RegistrationStatus) })
const execution = structure({ ...domain, execution: required(WorkflowExecution) })
const poll = { ...domain, taskList: required(TaskList), identity: Identity }
const token = { taskToken: required(TaskToken) }
const filters = { typeFilter: TypeFilter, tagFilter: TagFilter, executionFilter: ExecutionFilter }
const openFilters = { ...domain, ...filters, startTimeFilter: required(ExecutionTimeFilter) }
const closedFilters = {
  ...domain,
  ...filters,
  startTimeFilter: ExecutionTimeFilter,
  closeTimeFilter: ExecutionTimeFilter,
  closeStatusFilter: CloseStatusFilter,
}

/** The input of each action. */
export const INPUTS = {
  CountClosedWorkflowExecutions: structure(closedFilters),
  CountOpenWorkflowExecutions: structure(openFilters),
  CountPendingActivityTasks: pending,
  CountPendingDecisionTasks: pending,
  DeleteActivityType: activityType,
  DeleteWorkflowType: workflowType,
  DeprecateActivityType: activityType,
  DeprecateDomain: domainName,
  DeprecateWorkflowType: workflowType,
  DescribeActivityType: activityType,
  DescribeDomain: domainName,
  DescribeWorkflowExecution: execution,
  DescribeWorkflowType: workflowType,
  GetWorkflowExecutionHistory: structure({ ...domain, ...page, execution: required(WorkflowExecution) }),
  ListActivityTypes: types,
  ListClosedWorkflowExecutions: structure({ ...closedFilters, ...page }),
  ListDomains: structure({ ...page, registrationStatus: required(RegistrationStatus) }),
  ListOpenWorkflowExecutions: structure({ ...openFilters, ...page }),
  ListTagsForResource: structure({ resourceArn: required(Arn) }),
  ListWorkflowTypes: types,
  PollForActivityTask: structure({ ...poll, taskList: required(TrimmedTaskList) }),
  PollForDecisionTask: structure({ ...poll, ...page, startAtPreviousStartedEvent: flag }),
  RecordActivityTaskHeartbeat: structure({ ...token, details: LimitedData }),
  RegisterActivityType: structure({
    ...domain,
    name: required(Name),
    version: required(Version),
    description: Description,
    defaultTaskStartToCloseTimeout: timeout,
    defaultTaskHeartbeatTimeout: timeout,
    defaultTaskList: TaskList,
    defaultTaskPriority: priority,
    defaultTaskScheduleToStartTimeout: timeout,
    defaultTaskScheduleToCloseTimeout: timeout,
  }),
  RegisterDomain: structure({
    name: required(identifier(256, trimmed)),
    description: Description,
    workflowExecutionRetentionPeriodInDays: required(retention),
    tags: list(ResourceTag),
  }),
  RegisterWorkflowType: structure({
    ...domain,
    name: required(Name),
    version: required(Version),
    description: Description,
    defaultTaskStartToCloseTimeout: timeout,
    defaultExecutionStartToCloseTimeout: executionTimeout,
    defaultTaskList: TaskList,
    defaultTaskPriority: priority,
    defaultChildPolicy: ChildPolicy,
    defaultLambdaRole: Arn,
  }),
  RequestCancelWorkflowExecution: structure({ ...domain, workflowId: required(WorkflowId), runId: OptionalRunId }),
  RespondActivityTaskCanceled: structure({ ...token, details: Data }),
  RespondActivityTaskCompleted: structure({ ...token, result: Data }),
  RespondActivityTaskFailed: structure({ ...token, reason: Reason, details: Data }),
  RespondDecisionTaskCompleted: structure({
    ...token,
    decisions: list(decision),
    executionContext: Data,
    taskList: TaskList,
    taskListScheduleToStartTimeout: timeout,
  }),
  SignalWorkflowExecution: structure({
    ...domain,
    workflowId: required(WorkflowId),
    runId: OptionalRunId,
    signalName: required(SignalName),
    input: Data,
  }),
  StartWorkflowExecution: structure({
    ...domain,
    ...run,
    workflowId: required(WorkflowId),
    workflowType: required(TypeName),
  }),
  TagResource: structure({ resourceArn: required(Arn), tags: required(list(ResourceTag)) }),
  TerminateWorkflowExecution: structure({
    ...domain,
    workflowId: required(WorkflowId),
    runId: OptionalRunId,
    reason: Reason,
    details: Data,
    childPolicy: ChildPolicy,
  }),
  UndeprecateActivityType: activityType,
  UndeprecateDomain: domainName,
  UndeprecateWorkflowType: workflowType,
  UntagResource: structure({ resourceArn: required(Arn), tagKeys: required(list(text(1, 128))) }),
}

export type ActionName = keyof typeof INPUTS
export type Input<A extends ActionName> = Of<(typeof INPUTS)[A]>

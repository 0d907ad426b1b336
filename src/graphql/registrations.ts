// Domains and types in SWF.

import { seconds, timeoutMilliseconds } from '../swf/duration.js'
import type { Actions } from '../swf/client-actions.js'
import type { SwfClient } from '../swf/client.js'
import type { Context } from './context.js'
import { pageSize } from './limits.js'
import { listCursors } from './list-cursor.js'
import {
  TYPES_PAGE,
  type RegisterActivityTypeInput,
  type RegisterWorkflowTypeInput,
  type TypeRef,
  type TypesArgs,
} from './registration.input.js'
import type { RegisteredType, RegisteredTypeConnection, TypeDefaults } from './registration.type.js'

export type TypeKind = RegisteredType['kind']

/**
 * Lists types. SWF has tokens for pages only, so the cursor of a type is the token of the page that it is on, and how many of
 * that page come up to it.
 */
export async function listTypes(
  kind: TypeKind,
  { name, status, first, after, ...args }: TypesArgs,
  { domains, swf }: Context,
): Promise<RegisteredTypeConnection> {
  const size = pageSize('first', first, TYPES_PAGE)
  const domain = await domains.resolve(args.domain)
  const { encode, decode } = listCursors({ kind, domain, name: name ?? null, status })
  const [, passed = '0', token = ''] = (after == null ? null : /^(\d+)\.(.*)$/s.exec(decode(after))) ?? []
  const begin = Number(passed)
  const input = {
    domain,
    registrationStatus: status,
    // One at least: whether there are more is to be known of an empty page too.
    maximumPageSize: Math.min(begin + Math.max(size, 1), TYPES_PAGE),
    ...(name && { name }),
    ...(token && { nextPageToken: token }),
  }
  const { typeInfos = [], nextPageToken } = await (kind === 'workflow'
    ? swf.listWorkflowTypes(input)
    : swf.listActivityTypes(input))
  const edges = typeInfos.slice(begin, begin + size).map((info, i) => {
    const upTo = begin + i + 1
    const isLast = upTo === typeInfos.length && nextPageToken !== undefined
    return { node: typeOf(kind, domain, info), cursor: encode(isLast ? `0.${nextPageToken}` : `${upTo}.${token}`) }
  })
  return {
    edges,
    nodes: edges.map(({ node }) => node),
    pageInfo: {
      hasNextPage: nextPageToken !== undefined || typeInfos.length > begin + size,
      hasPreviousPage: after != null,
      startCursor: edges[0]?.cursor,
      endCursor: edges.at(-1)?.cursor,
    },
  }
}

type TypeInfo = NonNullable<Actions['ListWorkflowTypes'][1]['typeInfos']>[number] &
  NonNullable<Actions['ListActivityTypes'][1]['typeInfos']>[number]

function typeOf(kind: TypeKind, domain: string, info: Partial<TypeInfo>): RegisteredType {
  const { name = '', version = '' } = (kind === 'workflow' ? info.workflowType : info.activityType) ?? {}
  const { status = 'REGISTERED', description, creationDate: createdAt, deprecationDate: deprecatedAt } = info
  return { kind, domain, name, version, status, description, createdAt, deprecatedAt }
}

/** Reads a type as it stands. */
export async function describeType(
  swf: SwfClient,
  kind: TypeKind,
  domain: string,
  type: { name: string; version: string },
): Promise<RegisteredType> {
  const { typeInfo } = await describe(swf, kind, domain, type)
  return typeOf(kind, domain, typeInfo ?? {})
}

function describe(swf: SwfClient, kind: TypeKind, domain: string, type: { name: string; version: string }) {
  return kind === 'workflow'
    ? swf.describeWorkflowType({ domain, workflowType: type })
    : swf.describeActivityType({ domain, activityType: type })
}

/** Reads what a type was registered with. */
export async function defaultsOf(
  swf: SwfClient,
  { kind, domain, name, version }: RegisteredType,
): Promise<TypeDefaults> {
  const { configuration = {} } = await describe(swf, kind, domain, { name, version })
  const given = configuration as Record<string, unknown> & { defaultTaskList?: { name?: string } }
  const timeout = (member: string) => timeoutMilliseconds(given[member] as string | undefined)
  return {
    taskList: given.defaultTaskList?.name,
    taskPriority: given.defaultTaskPriority === undefined ? undefined : Number(given.defaultTaskPriority),
    taskStartToCloseTimeout: timeout('defaultTaskStartToCloseTimeout'),
    executionStartToCloseTimeout: timeout('defaultExecutionStartToCloseTimeout'),
    childPolicy: given.defaultChildPolicy as TypeDefaults['childPolicy'],
    taskScheduleToStartTimeout: timeout('defaultTaskScheduleToStartTimeout'),
    taskScheduleToCloseTimeout: timeout('defaultTaskScheduleToCloseTimeout'),
    taskHeartbeatTimeout: timeout('defaultTaskHeartbeatTimeout'),
  }
}

/** Deprecates, undeprecates or deletes a type; resolves to the domain that it is or was in. */
export async function changeType(
  kind: TypeKind,
  change: 'deprecate' | 'undeprecate' | 'delete',
  { name, version, ...ref }: TypeRef,
  { domains, swf, types }: Context,
): Promise<string> {
  const domain = await domains.resolve(ref.domain)
  const type = { name, version }
  if (kind === 'activity') await swf[`${change}ActivityType`]({ domain, activityType: type })
  else {
    await swf[`${change}WorkflowType`]({ domain, workflowType: type })
    types.forget(domain, name)
  }
  return domain
}

export async function registerWorkflowType(
  swf: SwfClient,
  domain: string,
  { name, version, description, ...given }: RegisterWorkflowTypeInput,
): Promise<void> {
  await swf.registerWorkflowType({
    domain,
    name,
    version,
    ...(description && { description }),
    defaultTaskList: { name: given.taskList },
    defaultExecutionStartToCloseTimeout: seconds(given.executionStartToCloseTimeout),
    defaultTaskStartToCloseTimeout: seconds(given.taskStartToCloseTimeout),
    defaultChildPolicy: given.childPolicy,
  })
}

export async function registerActivityType(
  swf: SwfClient,
  domain: string,
  { name, version, description, taskList, ...given }: RegisterActivityTypeInput,
): Promise<void> {
  const timeout = (duration: number | null | undefined) => (duration == null ? 'NONE' : seconds(duration))
  await swf.registerActivityType({
    domain,
    name,
    version,
    ...(description && { description }),
    defaultTaskList: { name: taskList },
    defaultTaskStartToCloseTimeout: timeout(given.taskStartToCloseTimeout),
    defaultTaskScheduleToStartTimeout: timeout(given.taskScheduleToStartTimeout),
    defaultTaskScheduleToCloseTimeout: timeout(given.taskScheduleToCloseTimeout),
    defaultTaskHeartbeatTimeout: timeout(given.taskHeartbeatTimeout),
  })
}

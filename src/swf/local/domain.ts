// A domain: its types, its open executions and its task lists.
//
// D1. A type is immutable but for its status. Names of deprecated domains and types stay taken; those of deleted types do not.

import type { TypeName } from '../history-event.js'
import { typeKey } from '../type-key.js'
import type { ActivityTask, DecisionTask, Execution } from './execution.js'
import { Fault, unknown } from './fault.js'
import { StartOrders } from './start-order.js'
import { TaskLists } from './task-list.js'

export type Status = 'REGISTERED' | 'DEPRECATED'
export type TypeKind = 'ActivityType' | 'WorkflowType'

/** An activity type or a workflow type, as it was registered. Dates are milliseconds since 1970. */
export interface RegisteredType {
  readonly kind: TypeKind
  readonly name: string
  readonly version: string
  readonly description?: string | undefined
  readonly createdAt: number
  status: Status
  deprecatedAt?: number | undefined
  /** The `default…` members of the registration, in SWF's words. */
  readonly defaults: {
    readonly defaultTaskList?: { name: string }
    readonly defaultTaskPriority?: string
    readonly defaultTaskStartToCloseTimeout?: string
    readonly defaultTaskScheduleToStartTimeout?: string
    readonly defaultTaskScheduleToCloseTimeout?: string
    readonly defaultTaskHeartbeatTimeout?: string
    readonly defaultExecutionStartToCloseTimeout?: string
    readonly defaultChildPolicy?: 'TERMINATE' | 'REQUEST_CANCEL' | 'ABANDON'
    readonly defaultLambdaRole?: string
  }
}

/** What the store keeps of a domain. */
export interface DomainRecord {
  readonly name: string
  readonly description?: string | undefined
  /** Days, or NONE. */
  readonly retention: string
  status: Status
  tags: { key: string; value?: string }[]
}

export class Domain {
  /** The open execution of each workflowId. */
  readonly open = new Map<string, Execution>()
  /** The open executions in the order of their starts. */
  readonly byStart = new StartOrders<Execution>()
  readonly decisionTasks = new TaskLists<DecisionTask>()
  readonly activityTasks = new TaskLists<ActivityTask>()
  #types = { ActivityType: new Map<string, RegisteredType>(), WorkflowType: new Map<string, RegisteredType>() }
  #sorted: { [K in TypeKind]?: RegisteredType[] } = {}
  constructor(readonly record: DomainRecord) {}

  get name(): string {
    return this.record.name
  }

  get deprecated(): boolean {
    return this.record.status === 'DEPRECATED'
  }

  findType(kind: TypeKind, name: TypeName): RegisteredType | undefined {
    return this.#types[kind].get(typeKey(name))
  }

  /** Returns a type, or refuses. */
  type(kind: TypeKind, name: TypeName): RegisteredType {
    const type = this.findType(kind, name)
    if (!type) throw unknown(`type: ${typeText(kind, name)}`)
    return type
  }

  countTypes(kind: TypeKind): number {
    return this.#types[kind].size
  }

  putType(type: RegisteredType): void {
    this.#types[type.kind].set(typeKey(type), type)
    delete this.#sorted[type.kind]
  }

  deleteType(type: RegisteredType): void {
    this.#types[type.kind].delete(typeKey(type))
    delete this.#sorted[type.kind]
  }

  /** The types of a kind, by name and then version. */
  types(kind: TypeKind): readonly RegisteredType[] {
    return (this.#sorted[kind] ??= [...this.#types[kind].values()].sort(byName))
  }

  /** Refuses what a deprecated domain does not take: new types and new executions. */
  refuseIfDeprecated(): void {
    if (this.deprecated) throw new Fault('DomainDeprecatedFault', this.name)
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

interface Named {
  readonly name: string
  readonly version?: string
}
/** The order of the lists: by name, and then by version. */
export const byName = (a: Named, b: Named): number =>
  compare(a.name, b.name) || compare(a.version ?? '', b.version ?? '')

/** A type as SWF writes it in messages. */
export const typeText = (kind: TypeKind, { name, version }: { name: string; version: string }): string =>
  `${kind}=[name=${name}, version=${version}]`

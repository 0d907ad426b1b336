// Kinds of executions: what few values describe, said once for all executions that have the same ones.

import { typeKey } from '../swf/type-key.js'
import type { ExecutionFilter, ExecutionGroup, ExecutionGrouping } from './execution-query.js'
import type { ExecutionSummary } from './update.js'

export interface Kind {
  type: string
  version: string
  status: ExecutionSummary['status']
  sagaState: string | undefined
  stuck: boolean
}

const MEMBER = {
  TYPE: 'type',
  VERSION: 'version',
  STATUS: 'status',
  SAGA_STATE: 'sagaState',
  STUCK: 'stuck',
} as const satisfies Record<ExecutionGrouping, keyof Kind>

/** The kinds that occur, each known by its place in `all`. */
export class Kinds {
  readonly all: Kind[] = []
  readonly #ids = new Map<string, number>()

  /** Returns the kind of an execution. */
  idOf({ type, status, saga, stuck }: ExecutionSummary): number {
    const key = `${typeKey(type)}\n${status}\n${saga?.state ?? ''}\n${stuck ? 1 : 0}`
    let id = this.#ids.get(key)
    if (id === undefined) {
      id = this.all.push({
        type: type.name,
        version: type.version,
        status,
        sagaState: saga?.state,
        stuck: stuck !== undefined,
      })
      this.#ids.set(key, --id)
    }
    return id
  }

  /** Returns what holds 1 for each kind that a filter lets through, and 0 for the others. */
  passing({ type, version, status, sagaState, stuck }: ExecutionFilter): Uint8Array {
    return Uint8Array.from(this.all, kind =>
      (type === undefined || kind.type === type) &&
      (version === undefined || kind.version === version) &&
      (status === undefined || status.includes(kind.status)) &&
      (sagaState === undefined || (kind.sagaState !== undefined && sagaState.includes(kind.sagaState))) &&
      (stuck === undefined || kind.stuck === stuck)
        ? 1
        : 0,
    )
  }

  /** Adds up counts of kinds by what they have in common, the largest first. */
  groups(counts: ArrayLike<number>, by: readonly ExecutionGrouping[]): ExecutionGroup[] {
    const groups = new Map<string, ExecutionGroup>()
    for (const [id, kind] of this.all.entries()) {
      const count = counts[id] ?? 0
      if (count === 0) continue
      const common = by.map(grouping => [MEMBER[grouping], kind[MEMBER[grouping]]] as const)
      const key = JSON.stringify(common)
      const group = groups.get(key)
      if (group) group.count += count
      else groups.set(key, { ...Object.fromEntries(common.filter(([, value]) => value !== undefined)), count })
    }
    return [...groups].sort(([a, one], [b, other]) => other.count - one.count || (a < b ? -1 : 1)).map(([, g]) => g)
  }
}

// Random workflow programs: a tree of the authoring API's calls, made of a seed, and the workflow that walks it.

import {
  all,
  any,
  cancelExternal,
  condition,
  continueAsNewSuggested,
  defineActivity,
  defineSignal,
  defineWorkflow,
  executeChild,
  historyLength,
  map,
  now,
  patched,
  race,
  random,
  runSaga,
  scope,
  setState,
  shielded,
  sideEffect,
  signalExternal,
  sleep,
  startChild,
  uuid,
  withTimeout,
  WorkflowFailure,
  type WorkflowDefinition,
} from '../../src/workflow/index.js'

export type Kind =
  | 'activity'
  | 'sleep'
  | 'child'
  | 'handle'
  | 'signal'
  | 'external'
  | 'cancelExternal'
  | 'sideEffect'
  | 'patched'
  | 'chance'
  | 'condition'
  | 'sequence'
  | 'all'
  | 'promiseAll'
  | 'race'
  | 'any'
  | 'map'
  | 'scope'
  | 'timeout'
  | 'shielded'
  | 'saga'

export interface Node {
  kind: Kind
  /** Unique in its program. */
  id: number
  /** Small and positive; what it means is the kind's affair. */
  n: number
  /** Failures end here. */
  caught: boolean
  nodes: Node[]
}

const LEAVES: Kind[] = [
  ...['activity', 'activity', 'activity', 'sleep', 'sleep', 'child', 'handle', 'signal', 'external'],
  ...['cancelExternal', 'sideEffect', 'patched', 'chance', 'condition'],
] as Kind[]
const BRANCHES: Kind[] = [
  'sequence',
  'sequence',
  'all',
  'promiseAll',
  'race',
  'any',
  'map',
  'scope',
  'timeout',
  'shielded',
  'saga',
]

/** A generator of numbers from 0 to 1 (mulberry32). */
export function numbers(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

export function program(seed: number, depth = 3): Node {
  const next = numbers(seed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)]!
  let ids = 0
  const node = (left: number): Node => {
    const kind = left === 0 || next() < 0.35 ? pick(LEAVES) : pick(BRANCHES)
    const id = ++ids
    const n = 1 + Math.floor(next() * 4)
    const caught = next() < 0.6
    const size = BRANCHES.includes(kind) ? 1 + Math.floor(next() * 3) : 0
    return { kind, id, n, caught, nodes: Array.from({ length: size }, () => node(left - 1)) }
  }
  return {
    kind: 'sequence',
    id: 0,
    n: 1,
    caught: next() < 0.7,
    nodes: Array.from({ length: 4 }, () => node(depth - 1)),
  }
}

export const activities = ['A', 'B'].map(name =>
  defineActivity<unknown, number>(name, '1', { retry: { maximumAttempts: name === 'A' ? 2 : 1 } }),
)
export const undo = defineActivity<unknown, number>('Undo', '1', { retry: { maximumAttempts: 2 } })
export const ping = defineSignal<number>('ping')

export interface ProgramInput {
  seed: number
  depth: number
  /** How often it continues as new. */
  again: number
}

/** Walks the programs that `made` makes of seeds. */
export function walker(
  made: (seed: number, depth: number) => Node = program,
): WorkflowDefinition<ProgramInput, number> {
  const definition: WorkflowDefinition<ProgramInput, number> = defineWorkflow(
    'Program',
    '1',
    { taskList: 'programs', executionStartToClose: '10d' },
    async ({ seed, depth, again }, { continueAsNew }) => {
      const result = await walk(made(seed, depth), { seed, depth })
      if (again > 0 || continueAsNewSuggested()) return continueAsNew({ seed: seed + 1, depth, again: again - 1 })
      return result
    },
  )
  let heard = 0

  async function walk(node: Node, given: { seed: number; depth: number }): Promise<number> {
    try {
      return await perform(node, given)
    } catch (error) {
      if (!node.caught || !(error instanceof WorkflowFailure)) throw error
      return error.reason.length
    }
  }

  async function perform(node: Node, given: { seed: number; depth: number }): Promise<number> {
    const { kind, n, id, nodes } = node
    const each = nodes.map(child => () => walk(child, given))
    const inTurn = async () => {
      let sum = 0
      for (const one of each) sum += await one()
      return sum
    }
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
    switch (kind) {
      case 'activity':
        return activities[n % 2]!({ id, at: now() % 7 }, n === 3 ? { shielded: true } : {})
      case 'sleep':
        await sleep(n * 700)
        return n
      case 'child': {
        if (given.depth <= 1) return 0
        const input = { seed: given.seed * 31 + id, depth: 1, again: n === 4 ? 1 : 0 }
        const options = n === 3 ? ({ abandoned: true, childPolicy: 'ABANDON' } as const) : {}
        if (n > 1) return executeChild(definition, input, options)
        const child = await startChild(definition, input, options)
        await child.signal(ping, n)
        return child.result()
      }
      case 'handle':
        ping.handle(value => (heard += value - value))
        return 0
      case 'signal':
        return withTimeout(n * 1_000, () => ping.receive())
      case 'external':
        await signalExternal({ workflowId: n > 2 ? 'nobody' : 'program-0' }, ping, n)
        return n
      case 'cancelExternal':
        await cancelExternal({ workflowId: 'nobody' })
        return n
      case 'sideEffect':
        return sideEffect(() => id, n > 2 ? 'named' : undefined)
      case 'patched':
        return patched(`p${id}`) ? activities[0]!(n) : 0
      case 'chance':
        setState({ id, uuid: uuid() })
        return random() < 0.5 ? activities[1]!(historyLength()) : sleep(500).then(() => heard)
      case 'condition':
        await withTimeout(
          n * 900,
          condition(() => now() % 3 === n % 3),
        )
        return 1
      case 'sequence':
        return inTurn()
      case 'all':
        return sum(await all(each))
      case 'promiseAll':
        return sum(await Promise.all(each.map(one => one())))
      case 'race':
        return race(each)
      case 'any':
        return any(each)
      case 'map':
        return sum(await map(each, { concurrency: n }, one => one()))
      case 'scope':
        return scope(async s => {
          const work = inTurn()
          if (n > 2) await Promise.race([work, sleep(n * 300)])
          if (n > 3) s.cancel()
          return work
        })
      case 'timeout':
        return withTimeout(n * 800, inTurn)
      case 'shielded':
        return shielded(inTurn)
      case 'saga':
        return runSaga(async saga => {
          let total = 0
          for (const [index, one] of each.entries())
            total += await saga.step(`s${index}`, one, {
              compensate: [undo, result => ({ result })],
              rollback: [undo, () => ({ id })],
            })
          return total
        })
    }
  }
  return definition
}

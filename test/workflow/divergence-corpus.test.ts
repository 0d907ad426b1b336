// Recorded programs, replayed with changed code: every change of what is asked of SWF is caught, and nothing else is.

import { describe, expect, test } from 'vitest'
import {
  cancelExternal,
  defineActivity,
  defineSignal,
  defineWorkflow,
  executeChild,
  patched,
  sideEffect,
  signalExternal,
  sleep,
  startChild,
} from '../../src/workflow/index.js'
import { replay } from '../../src/workflow/replay/replay.js'
import { EXECUTION, Story } from '../support/given.js'
import { live, programsSwf, type Lived } from './live.js'
import { numbers, walker, type Kind, type Node } from './programs.js'

const KINDS: Kind[] = ['activity', 'sleep', 'child', 'external', 'cancelExternal', 'sideEffect']

/** A program that does one thing after the other; its children sleep. */
function flat(seed: number, depth: number): Node {
  const next = numbers(seed)
  const nodes = Array.from({ length: depth > 1 ? 6 : 1 }, (_, index): Node => {
    const kind = depth > 1 ? KINDS[Math.floor(next() * KINDS.length)]! : 'sleep'
    return { kind, id: index + 1, n: 1 + Math.floor(next() * 4), caught: true, nodes: [] }
  })
  return { kind: 'sequence', id: 0, n: 1, caught: true, nodes }
}

/** A change of the code: what it makes of the nodes, or undefined where it does not apply at this place. */
type Change = (nodes: readonly Node[], at: number, next: () => number) => Node[] | undefined
const CHANGES: Record<string, Change> = {
  removed: (nodes, at) => nodes.toSpliced(at, 1),
  added: (nodes, at, next) =>
    nodes.toSpliced(at, 0, { ...nodes[at]!, kind: KINDS[Math.floor(next() * KINDS.length)]!, id: 100 }),
  reordered: (nodes, at) => {
    const [one, other] = [nodes[at]!, nodes[at + 1]]
    if (!other || identity(one) === identity(other)) return undefined
    return nodes.toSpliced(at, 2, other, one)
  },
  renamed: (nodes, at) => {
    const node = nodes[at]!
    if (node.kind === 'activity') return nodes.with(at, { ...node, n: node.n + 1 })
    if (node.kind === 'sideEffect') return nodes.with(at, { ...node, n: node.n > 2 ? 1 : 3 })
    return undefined
  },
  retargeted: (nodes, at) => {
    const node = nodes[at]!
    return node.kind === 'external' ? nodes.with(at, { ...node, n: node.n > 2 ? 1 : 3 }) : undefined
  },
  'of another kind': (nodes, at, next) => {
    const others = KINDS.filter(kind => kind !== nodes[at]!.kind)
    return nodes.with(at, { ...nodes[at]!, kind: others[Math.floor(next() * others.length)]! })
  },
}

/** What SWF is asked for first by a node. */
function identity({ kind, n }: Node): string {
  if (kind === 'activity') return `activity ${n % 2}`
  if (kind === 'sideEffect' || kind === 'external') return `${kind} ${n > 2}`
  return kind === 'child' && n === 1 ? 'child and signal' : kind
}

const told = async ({ execution, events }: Lived, nodes: readonly Node[]) => {
  const changed = walker((seed, depth) => (depth > 1 ? { ...flat(seed, depth), nodes: [...nodes] } : flat(seed, depth)))
  const turn = await replay(changed, { execution, events })
  return turn.kind === 'stuck' ? turn.stuck.reason : 'no alarm'
}

test('every seeded change of a recorded program is caught, and the program itself gives no alarm', async () => {
  const swf = await programsSwf()
  const caught: Record<string, number> = {}
  for (let seed = 1; seed <= 40; seed++) {
    const runs = await live(swf, seed, walker(flat))
    const lived = runs.find(({ execution }) => execution.workflowId === `program-${seed}`)!
    // One that was canceled or continued did not come to its end.
    if (lived.events.at(-1)?.eventType !== 'WorkflowExecutionCompleted') continue
    if (lived.events.some(({ eventType }) => eventType === 'WorkflowExecutionCancelRequested')) continue
    const { nodes } = flat(seed, 3)
    expect(await told(lived, nodes), `seed ${seed}`).toBe('no alarm')
    const next = numbers(seed)
    for (const [name, change] of Object.entries(CHANGES))
      for (const at of nodes.keys()) {
        const changed = change(nodes, at, next)
        if (!changed) continue
        const what = `seed ${seed}: ${nodes[at]!.kind} ${at} ${name}, ${JSON.stringify(changed.map(({ kind, n }) => [kind, n]))}`
        expect(await told(lived, changed), what).toMatch(/^divergence: the/)
        caught[name] = (caught[name] ?? 0) + 1
      }
  }
  expect(Object.keys(caught).sort()).toEqual(Object.keys(CHANGES).sort())
  for (const times of Object.values(caught)) expect(times).toBeGreaterThan(5)
})

const child = (name: string, version: string) => defineWorkflow(name, version, {}, async () => 1)
const ping = defineSignal<number>('ping')
const a = defineActivity<number, number>('A', '1')
const id = { workflowId: 'c' }

describe.each<[string, () => Promise<unknown>, Record<string, () => Promise<unknown>>]>([
  [
    'a child',
    () => executeChild(child('C', '1'), undefined, id),
    {
      'of another type': () => executeChild(child('D', '1'), undefined, id),
      'of another version': () => executeChild(child('C', '2'), undefined, id),
      'by another id': () => executeChild(child('C', '1'), undefined, { workflowId: 'd' }),
      'by an id of its own making': () => executeChild(child('C', '1'), undefined),
      'that is an activity': () => a(1),
      'and one more': () => Promise.all([executeChild(child('C', '1'), undefined, id), startChild(child('C', '1'), 1)]),
      'that is not there': () => ping.receive(),
    },
  ],
  [
    'a signal',
    () => signalExternal(id, ping, 1),
    {
      'of another name': () => signalExternal(id, defineSignal<number>('pong'), 1),
      'to another execution': () => signalExternal({ workflowId: 'd' }, ping, 1),
      'to one of its runs': () => signalExternal({ ...id, runId: 'r' }, ping, 1),
      'that is a cancel': () => cancelExternal(id),
    },
  ],
  [
    'a cancel of one run',
    () => cancelExternal({ ...id, runId: 'r' }),
    {
      'of another run': () => cancelExternal({ ...id, runId: 's' }),
      'of whichever is open': () => cancelExternal(id),
      'of another execution': () => cancelExternal({ workflowId: 'd', runId: 'r' }),
    },
  ],
  [
    'a side effect and an activity',
    async () => [sideEffect(() => 1, 'one'), await a(1)],
    {
      'by another name': async () => [sideEffect(() => 1, 'two'), await a(1)],
      'in another order': async () => [await Promise.all([a(1), sideEffect(() => 1, 'one')])],
      'without the side effect': async () => a(1),
      'without the activity': async () => [sideEffect(() => 1, 'one'), await sleep('1h')],
      twice: async () => [sideEffect(() => 1, 'one'), sideEffect(() => 1, 'one'), await a(1)],
    },
  ],
])('%s', (_what, run, changes) => {
  const definition = defineWorkflow('W', '1', {}, run)
  const recorded = async () => {
    const story = new Story(definition)
    await story.go()
    return story.signal('other').start().events
  }

  test.each(Object.entries(changes))('%s is a divergence', async (_how, changed) => {
    const events = await recorded()
    const turn = await replay(defineWorkflow('W', '1', {}, changed), { execution: EXECUTION, events })
    expect(turn).toMatchObject({ stuck: { reason: expect.stringMatching(/^divergence: the/) as string } })
  })

  test.each<[string, () => Promise<unknown>]>([
    ['the same code', run],
    ['a patch that is off', async () => (patched('later') ? a(5) : run())],
  ])('%s is none', async (_how, same) => {
    const turn = await replay(defineWorkflow('W', '1', {}, same), { execution: EXECUTION, events: await recorded() })
    expect(turn).toMatchObject({ kind: 'decided', decisions: [], warnings: [] })
  })
})

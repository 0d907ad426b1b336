// Faults on demand: what a network or a busy service does to its callers, by action, at a rate, from a seed.
//
// FD1. A rule has a random sequence of its own: with the same seed and the same requests it strikes the same ones.
// FD2. `drop` and `duplicate` do what was asked, completely; only what the caller hears is different.

import type { Duration } from '../duration.js'
import { milliseconds } from '../duration.js'
import { Fault } from './fault.js'
import { DECISIONS, INPUTS } from './model.js'

const KINDS = ['latency', 'throttle', 'deny', 'drop', 'duplicate'] as const

/** A rule by which requests go wrong. */
export interface FaultRule {
  /**
   * - `latency`: the request waits for `latency` first.
   * - `throttle`: ThrottlingException; of a decision, its event with `*_RATE_EXCEEDED`.
   * - `deny`: OperationNotPermittedFault; of a decision, its event with `OPERATION_NOT_PERMITTED`.
   * - `drop`: it is done, and the caller never hears: the connection breaks.
   * - `duplicate`: it is done twice, and the caller hears of the second time; a task is given to two polls.
   */
  readonly kind: (typeof KINDS)[number]
  /** Actions, or decisions (`throttle` and `deny`), that it strikes. @default all actions */
  readonly action?: string | readonly string[]
  /** The share of requests that it strikes, from 0 to 1. @default 1 */
  readonly rate?: number
  /** How often it strikes at most. @default without end */
  readonly times?: number
  /** How long `latency` is. @default '100ms' */
  readonly latency?: Duration
}

type Kind = FaultRule['kind']

interface Active {
  readonly rule: FaultRule
  readonly actions: ReadonlySet<string> | undefined
  readonly random: () => number
  left: number
}

/** The request was done, and its reply was dropped on purpose. */
export class ReplyDropped extends Error {
  override readonly name = 'ReplyDropped'
  readonly code = 'ECONNRESET'
  constructor(action: string) {
    super(`${action} was done, and its reply was dropped`)
  }
}

/** The faults of a local SWF, to be changed while it runs. */
export class Faults {
  #active: Active[] = []
  #made = 0
  /** Tasks that are given to one more poll, by action, domain and task list. */
  #again = new Map<string, string[]>()

  constructor(
    /** Where the random sequences of the rules begin. */
    readonly seed: number,
    rules: readonly FaultRule[] = [],
  ) {
    for (const rule of rules) this.add(rule)
  }

  /** The rules that are in force. */
  get rules(): readonly FaultRule[] {
    return this.#active.map(({ rule }) => rule)
  }

  /** Adds a rule; returns how to take it away again. Throws a RangeError for a rule that makes no sense. */
  add(rule: FaultRule): () => void {
    check(rule)
    const names = rule.action === undefined ? undefined : [rule.action].flat()
    const active: Active = {
      rule,
      actions: names && new Set(names),
      random: randomSequence(this.seed + this.#made++),
      left: rule.times ?? Infinity,
    }
    this.#active.push(active)
    return () => this.#remove(active)
  }

  /** Takes all rules away. */
  clear(): void {
    this.#active = []
    this.#again.clear()
  }

  /** Whether a decision is refused, and how. */
  refusal(decision: string): 'throttle' | 'deny' | undefined {
    if (this.#active.length === 0) return undefined
    for (const kind of ['deny', 'throttle'] as const) if (this.#strikes(kind, decision, false)) return kind
    return undefined
  }

  /** Does an action as the rules have it. */
  act<T>(action: string, body: unknown, work: () => T): T | Promise<Awaited<T>> {
    if (this.#active.length === 0 && this.#again.size === 0) return work()
    const latency = this.#strikes('latency', action)
    if (!latency) return this.#act(action, body, work)
    const wait = milliseconds(latency.latency ?? '100ms')
    return new Promise<void>(resolve => setTimeout(resolve, wait)).then(() => this.#act(action, body, work)) as never
  }

  #act<T>(action: string, body: unknown, work: () => T): T | Promise<Awaited<T>> {
    if (this.#strikes('throttle', action)) throw new Fault('ThrottlingException', 'Rate exceeded')
    if (this.#strikes('deny', action)) {
      throw new Fault('OperationNotPermittedFault', `A fault rule of this local SWF denies ${action}`)
    }
    const poll = action.startsWith('PollFor') ? pollKey(action, body) : undefined
    const again = poll && this.#again.get(poll)?.shift()
    if (again !== undefined) return again as never
    const duplicate = this.#strikes('duplicate', action)
    if (duplicate && !poll) {
      attempt(work)
    }
    const answer = this.#strikes('drop', action) ? dropped(action, work) : work()
    return duplicate && poll ? (this.#keep(poll, answer) as never) : answer
  }

  /** Keeps a task that a poll is given for one more poll. */
  async #keep(poll: string, answer: unknown): Promise<unknown> {
    const text = await answer
    if (typeof text === 'string' && text.includes('"taskToken"')) {
      this.#again.set(poll, [...(this.#again.get(poll) ?? []), text])
    }
    return text
  }

  #strikes(kind: Kind, name: string, unnamed = true): FaultRule | undefined {
    for (const active of this.#active) {
      const { rule, actions } = active
      if (rule.kind !== kind || !(actions ? actions.has(name) : unnamed)) continue
      if (active.random() >= (rule.rate ?? 1)) continue
      if (--active.left <= 0) this.#remove(active)
      return rule
    }
    return undefined
  }

  #remove(active: Active): void {
    this.#active = this.#active.filter(other => other !== active)
  }
}

const MEMBERS = ['kind', 'action', 'rate', 'times', 'latency']

function check({ kind, action, rate = 1, times = 1, latency = '1s', ...others }: FaultRule): void {
  const [unknown] = Object.keys(others)
  if (unknown) throw new RangeError(`A fault has no ${unknown}; it has ${MEMBERS.join(', ')}`)
  if (!KINDS.includes(kind)) throw new RangeError(`There is no fault ${kind}; there are ${KINDS.join(', ')}`)
  for (const name of action === undefined ? [] : [action].flat()) {
    if (Object.hasOwn(INPUTS, name)) continue
    if (!Object.hasOwn(DECISIONS, name)) throw new RangeError(`${name} is neither an action nor a decision of SWF`)
    if (kind !== 'throttle' && kind !== 'deny')
      throw new RangeError(`A decision can be throttled or denied, not ${kind}`)
  }
  if (!(rate >= 0 && rate <= 1)) throw new RangeError(`The rate ${rate} is not between 0 and 1`)
  if (!(Number.isInteger(times) && times > 0)) throw new RangeError(`times is ${times}, not a whole number above 0`)
  milliseconds(latency)
}

const pollKey = (action: string, body: unknown): string => {
  const { domain, taskList } = (body ?? {}) as { domain?: unknown; taskList?: { name?: unknown } }
  return JSON.stringify([action, domain, taskList?.name])
}

/** Does something whose outcome nobody hears. */
function attempt(work: () => unknown): void {
  try {
    void Promise.resolve(work()).catch(() => {})
  } catch {
    // The first of two deliveries was refused; the second tells.
  }
}

function dropped(action: string, work: () => unknown): never {
  const drop = () => {
    throw new ReplyDropped(action)
  }
  let answer: unknown
  try {
    answer = work()
  } catch {
    return drop()
  }
  return (answer instanceof Promise ? answer.then(drop, drop) : drop()) as never
}

/** Numbers from 0 to 1, always the same of one seed (mulberry32). */
function randomSequence(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

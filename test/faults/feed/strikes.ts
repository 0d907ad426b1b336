// What strikes the processes of a scene.

import { setTimeout as delay } from 'node:timers/promises'
import { CLOSING_DECISIONS } from '../../../src/swf/decision.js'
import { readTaskToken } from '../../../src/swf/local/token.js'
import { until } from '../../support/until.js'
import type { DeciderPart, Scene } from './scene.js'

/** How often each thing happens. */
export interface Strikes {
  /** Sockets of clients that are reset. */
  sockets: number
  gateways: number
  /** Deciders that are killed between publishing and answering, and between SWF's taking the answer and hearing so. */
  deciders: number
  /** Answers of a decider that come when SWF has given their task to another one. */
  stalls: number
  /** Closes that SWF refuses, as a signal has come in. */
  refusals: number
  /** Executions that somebody terminates in SWF itself. */
  terminations: number
  redis: number
}

export type Strike = () => Promise<unknown>

/** Everything that is to happen, in no order yet. */
export function strikesOf(scene: Scene, much: Strikes, random: () => number): Strike[] {
  const any = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!
  const times = (count: number, strike: Strike) => Array.from({ length: count }, () => strike)
  return [
    ...times(much.sockets, () => until(() => scene.network.kill(random), { what: 'a client is connected' })),
    ...times(much.gateways, () => any(scene.gateways).replace()),
    ...times(Math.ceil(much.deciders / 2), () => killed(any(scene.deciders), 'before')),
    ...times(Math.floor(much.deciders / 2), () => killed(any(scene.deciders), 'after')),
    ...times(much.stalls, () => stalled(any(scene.deciders))),
    ...times(much.refusals, () => refused(scene, any(scene.deciders))),
    ...times(much.terminations, () => terminated(scene, 400 * random())),
    ...times(much.redis, () => scene.redis.restart()),
  ]
}

/** Waits for the next answer of a decider that `wanted` is true of, and does something with it, once. */
function struck(
  decider: DeciderPart,
  act: (send: () => Promise<void>, input: { taskToken: string }) => Promise<'unheard' | void>,
  wanted: (input: { decisions?: { decisionType: string }[] }) => boolean = () => true,
): Promise<void> {
  return new Promise(resolve => {
    const before = decider.swf.on
    let done = false
    decider.swf.on = async (call, send) => {
      if (done || call.action !== 'RespondDecisionTaskCompleted' || !wanted(call.input)) return before?.(call, send)
      done = true
      try {
        return await act(send, call.input)
      } finally {
        resolve()
      }
    }
  })
}

/** kill -9 of a decider that has published: before SWF has its answer, or before it hears that SWF took it. */
function killed(decider: DeciderPart, when: 'before' | 'after'): Promise<void> {
  let replaced: Promise<void> | undefined
  return struck(decider, async send => {
    if (when === 'after') await send()
    replaced = decider.replace()
    return 'unheard'
  }).then(() => replaced)
}

/** A decider answers when its task has timed out, and another decider has it. */
function stalled(decider: DeciderPart): Promise<void> {
  return struck(decider, () => delay(2_500))
}

/** SWF refuses a close, since a signal came in after the decision. */
async function refused(scene: Scene, decider: DeciderPart): Promise<void> {
  const { swf, domain, executions, history } = scene
  let isRefused = false
  // The decider may be killed meanwhile.
  while (!isRefused)
    await struck(
      decider,
      async (send, { taskToken }) => {
        const { runId } = readTaskToken('decision', taskToken)
        const execution = executions.find(one => one.runId === runId)!
        await swf.signalWorkflowExecution({ domain, workflowId: execution.workflowId, runId, signalName: 'too late' })
        await send()
        isRefused = (await history(execution)).some(({ eventType }) => REFUSALS.has(eventType))
      },
      ({ decisions = [] }) => decisions.some(({ decisionType }) => CLOSING_DECISIONS.has(decisionType as never)),
    )
}

export const REFUSALS: ReadonlySet<string> = new Set(['CompleteWorkflowExecutionFailed', 'FailWorkflowExecutionFailed'])

/** Somebody terminates an execution in SWF itself. */
async function terminated({ swf, domain, executions, start }: Scene, after: number): Promise<void> {
  const { workflowId, runId } = await start(`ended-${executions.length}`, { steps: 1_000 }, { unseen: after < 200 })
  await delay(after)
  await swf.terminateWorkflowExecution({ domain, workflowId, runId, reason: 'by hand' })
}

/** Brings items into an order of chance. */
export function shuffled<T>(items: T[], random: () => number): T[] {
  for (let n = items.length - 1; n > 0; n--) {
    const other = Math.floor(random() * (n + 1))
    ;[items[n], items[other]] = [items[other]!, items[n]!]
  }
  return items
}

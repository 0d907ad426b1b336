// Random programs, lived through and then replayed: at every prefix of a history the same decisions.

import { expect, test } from 'vitest'
import { attributesOf } from '../../src/swf/history-event.js'
import { isParkMarker } from '../../src/workflow/replay/park.js'
import { replay } from '../../src/workflow/replay/replay.js'
import { checkHistory } from '../support/history-checker.js'
import { live, programsSwf, type Lived } from './live.js'
import { walker } from './programs.js'

const SEEDS = Number(process.env.SEEDS ?? 120)
const FIRST = Number(process.env.SEED ?? 1)

test(
  'a program decides the same in every replay, from every prefix of its history',
  async () => {
    const swf = await programsSwf()
    const seen = new Map<string, number>()
    let prefixes = 0
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++)
      for (const run of await live(swf, seed)) {
        expect(checkHistory(run.events), `history of seed ${seed}`).toEqual([])
        expect(run.events.some(isParkMarker)).toBe(false)
        for (const { eventType } of run.events) seen.set(eventType, (seen.get(eventType) ?? 0) + 1)
        prefixes += await replayed(run, seed)
      }
    expect(prefixes).toBeGreaterThan(SEEDS)
    if (SEEDS >= 120)
      expect([...seen.keys()]).toEqual(
        expect.arrayContaining([
          'ChildWorkflowExecutionCompleted',
          'ChildWorkflowExecutionCanceled',
          'ExternalWorkflowExecutionSignaled',
          'SignalExternalWorkflowExecutionFailed',
          'RequestCancelExternalWorkflowExecutionFailed',
          'MarkerRecorded',
          'TimerCanceled',
          'ActivityTaskCanceled',
          'ActivityTaskTimedOut',
          'DecisionTaskTimedOut',
          'WorkflowExecutionContinuedAsNew',
          'CompleteWorkflowExecutionFailed',
        ]),
      )
  },
  30_000 + SEEDS * 200,
)

test(
  'a program that SWF refuses much for its limits decides the same, and does not hear of it',
  async () => {
    const rate = { bucket: 1, refill: 1 }
    const decisions = [
      'ScheduleActivityTask',
      'StartTimer',
      'StartChildWorkflowExecution',
      'SignalExternalWorkflowExecution',
      'RequestCancelExternalWorkflowExecution',
    ]
    const rates = { rates: Object.fromEntries(decisions.map(name => [name, rate])) }
    const causes = new Set<unknown>()
    for (const quotas of [rates, { openActivities: 1, openTimers: 2, openChildren: 1 }]) {
      const swf = await programsSwf(quotas)
      for (let seed = FIRST; seed < FIRST + SEEDS / 6; seed++)
        for (const run of await live(swf, seed)) {
          expect(checkHistory(run.events), `history of seed ${seed}`).toEqual([])
          for (const event of run.events) causes.add(attributesOf(event).cause)
          await replayed(run, seed)
        }
    }
    if (SEEDS >= 120)
      expect([...causes]).toEqual(
        expect.arrayContaining([
          'OPEN_ACTIVITIES_LIMIT_EXCEEDED',
          'OPEN_TIMERS_LIMIT_EXCEEDED',
          'ACTIVITY_CREATION_RATE_EXCEEDED',
          'TIMER_CREATION_RATE_EXCEEDED',
          'SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_RATE_EXCEEDED',
        ]),
      )
  },
  30_000 + SEEDS * 200,
)

/** Replays every prefix that ends at a task which was answered; returns how many. */
async function replayed({ execution, events, answers }: Lived, seed: number): Promise<number> {
  for (const [startedEventId, answer] of answers) {
    const turn = await replay(walker(), { execution, events: events.slice(0, startedEventId) })
    const what = `seed ${seed}, ${execution.workflowId}, task ${startedEventId}`
    if (turn.kind === 'stuck') throw new Error(`${what}: ${turn.stuck.reason}`)
    expect(turn.decisions, what).toEqual(answer.decisions)
    expect(turn.executionContext, what).toEqual(answer.executionContext)
    expect(turn.warnings, what).toEqual([])
  }
  return answers.size
}

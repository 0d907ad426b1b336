// Runs workflow programs against the local SWF, in this process, with everything that may happen meanwhile: answers and
// failures of activities in any order, signals, cancel requests, tasks that time out, deciders that forget what they knew.

import { createSwfClient, type SwfClient } from '../../src/swf/client.js'
import type { Decision } from '../../src/swf/decision.js'
import { completeDecisionTask, readHistory } from '../../src/swf/history.js'
import type { HistoryEvent, WorkflowExecution } from '../../src/swf/history-event.js'
import { register } from '../../src/swf/registration.js'
import { Run } from '../../src/workflow/replay/replay.js'
import type { WorkflowDefinition } from '../../src/workflow/index.js'
import { VirtualClock } from '../../src/swf/local/clock.js'
import { directCall } from '../../src/swf/local/direct-call.js'
import { Engine } from '../../src/swf/local/engine.js'
import { MemoryStore } from '../../src/swf/local/memory-store.js'
import { Polls } from '../../src/swf/local/polls.js'
import { quotasOf, type Quotas } from '../../src/swf/local/quotas.js'
import { activities, numbers, undo, walker, type ProgramInput } from './programs.js'

const DOMAIN = 'programs'
const LIST = { name: 'programs' }
const MOST_STEPS = 400

/** One run that was lived through: what was answered to each of its decision tasks, by their startedEventId. */
export interface Lived {
  execution: WorkflowExecution
  answers: Map<number, { decisions: Decision[]; executionContext?: string }>
  events: HistoryEvent[]
}

/** A local SWF without a server, in time that stands still until it is moved. */
export interface ProgramsSwf {
  swf: SwfClient
  clock: VirtualClock
}

/** A local SWF with the programs' types; `quotas` are what it refuses. */
export async function programsSwf(quotas?: Partial<Quotas>): Promise<ProgramsSwf> {
  const clock = new VirtualClock(Date.UTC(2026, 0, 1))
  const engine = new Engine({
    clock,
    store: new MemoryStore(),
    region: 'us-east-1',
    ...(quotas && { quotas: quotasOf(quotas) }),
  })
  const context = { engine, polls: new Polls(5) }
  const swf = createSwfClient({ transport: (action, input) => directCall(context, action, input) })
  const { name, version } = walker()
  await register(swf, {
    domain: DOMAIN,
    retentionDays: 1,
    workflowTypes: [{ name, version }],
    activityTypes: [...activities, undo].map(({ name, version }) => ({ name, version })),
  })
  return { swf, clock }
}

/** Lives through one program; resolves to all runs of it and of its children. */
export async function live(
  { swf, clock }: ProgramsSwf,
  seed: number,
  definition: WorkflowDefinition<ProgramInput, number> = walker(),
): Promise<Lived[]> {
  const chance = numbers(seed ^ 0x5eed)
  const workflowId = `program-${seed}`
  const lived = new Map<string, Lived>()
  const runs = new Map<string, Run>()
  const input: ProgramInput = { seed, depth: 3, again: chance() < 0.2 ? 1 : 0 }
  await swf.startWorkflowExecution({
    domain: DOMAIN,
    workflowId,
    workflowType: { name: definition.name, version: definition.version },
    taskList: LIST,
    executionStartToCloseTimeout: '864000',
    taskStartToCloseTimeout: '30',
    childPolicy: 'TERMINATE',
    input: JSON.stringify(input),
  })
  const pending = async (what: 'Decision' | 'Activity') => {
    const list = { domain: DOMAIN, taskList: what === 'Decision' ? LIST : { name: 'activities' } }
    const { count } = await (what === 'Decision'
      ? swf.countPendingDecisionTasks(list)
      : swf.countPendingActivityTasks(list))
    return count! > 0
  }
  const quiet = () => {}
  const meddle = async () => {
    const kind = chance()
    if (kind < 0.5)
      await swf.signalWorkflowExecution({ domain: DOMAIN, workflowId, signalName: 'ping', input: '1' }).catch(quiet)
    else if (kind < 0.53) await swf.requestCancelWorkflowExecution({ domain: DOMAIN, workflowId }).catch(quiet)
    else if (await pending('Activity')) await act()
  }
  const act = async () => {
    const { taskToken } = await swf.pollForActivityTask({ domain: DOMAIN, taskList: { name: 'activities' } })
    if (!taskToken) return
    const how = chance()
    if (how < 0.7) await swf.respondActivityTaskCompleted({ taskToken, result: String(Math.floor(how * 10)) })
    else if (how < 0.9) await swf.respondActivityTaskFailed({ taskToken, reason: 'Broken' })
    else if (how < 0.95) await swf.respondActivityTaskCanceled({ taskToken }).catch(quiet)
    // else it times out
  }
  const decide = async () => {
    const task = await swf.pollForDecisionTask({ domain: DOMAIN, taskList: LIST })
    if (!task.taskToken) return
    const execution = task.workflowExecution as WorkflowExecution
    const { runId } = execution
    if (chance() < 0.3) await meddle()
    let run = runs.get(runId)
    if (!run || chance() < 0.2) run = new Run(definition, execution)
    runs.set(runId, run)
    const turn = await run.advance(await completeDecisionTask(swf, DOMAIN, LIST.name, task, undefined))
    if (turn.kind === 'stuck') throw new Error(`seed ${seed}, ${execution.workflowId}: ${turn.stuck.reason}`)
    // Now and then an answer is lost: its task times out, and whoever gave it forgets the run.
    if (chance() < 0.03) {
      runs.delete(runId)
      return
    }
    if (chance() < 0.1) await meddle()
    const { decisions, executionContext } = turn
    await swf.respondDecisionTaskCompleted({
      taskToken: task.taskToken,
      decisions,
      ...(executionContext !== undefined && { executionContext }),
    })
    if (!lived.has(runId)) lived.set(runId, { execution, answers: new Map(), events: [] })
    lived.get(runId)!.answers.set(task.startedEventId!, {
      decisions,
      ...(executionContext !== undefined && { executionContext }),
    })
  }
  const open = async () => {
    const { executionInfos } = await swf.listOpenWorkflowExecutions({
      domain: DOMAIN,
      startTimeFilter: { oldestDate: new Date(0) },
    })
    return executionInfos!
  }
  for (let step = 0; step < MOST_STEPS; step++) {
    const [decision, activity] = [await pending('Decision'), await pending('Activity')]
    if (decision && (!activity || chance() < 0.6)) await decide()
    else if (activity && chance() < 0.9) await act()
    else if ((await open()).length === 0) break
    else if (chance() < 0.1) await meddle()
    else clock.advance(1_000 * (1 + Math.floor(chance() * 3)))
  }
  for (const { execution } of await open())
    await swf.terminateWorkflowExecution({ domain: DOMAIN, ...(execution as WorkflowExecution) }).catch(quiet)
  for (const one of lived.values()) one.events = await readHistory(swf, DOMAIN, one.execution)
  return [...lived.values()]
}

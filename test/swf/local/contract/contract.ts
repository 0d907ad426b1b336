// A local SWF whose clock is moved by hand, called through the SDK. It records what it was seen to do.

import type { SWF } from '@aws-sdk/client-swf'
import { expect } from 'vitest'
import { HISTORY_EVENTS, type MemberKind } from '../../../../src/swf/event-table.js'
import { attributesMember, type EventType } from '../../../../src/swf/history-event.js'
import { VirtualClock } from '../../../../src/swf/local/clock.js'
import { Engine } from '../../../../src/swf/local/engine.js'
import { Faults } from '../../../../src/swf/local/faults.js'
import type { Lambdas } from '../../../../src/swf/local/lambda.js'
import { LambdaRunner } from '../../../../src/swf/local/lambda.js'
import { MemoryStore } from '../../../../src/swf/local/memory-store.js'
import { Polls } from '../../../../src/swf/local/polls.js'
import type { QuotaOptions } from '../../../../src/swf/local/quotas.js'
import { quotasOf } from '../../../../src/swf/local/quotas.js'
import { listen } from '../../../../src/swf/local/server.js'
import { RealTime } from '../../../../src/swf/local/time.js'
import { DOMAIN, Run, attributes, client, registerAll, unique, workflowType } from '../fixture.js'

export const SECOND = 1_000
export const HOUR = 3_600_000
export const DAY = 24 * HOUR

/** What the requests and replies so far have held. */
export class Seen {
  readonly actions = new Set<string>()
  readonly decisions = new Set<string>()
  readonly events = new Set<string>()
  readonly faults = new Set<string>()
  /** Values of enums, such as `ScheduleActivityTaskFailedCause.ACTIVITY_TYPE_DEPRECATED`. */
  readonly values = new Set<string>()

  watch(swf: SWF): void {
    swf.middlewareStack.add(
      (next, { commandName }) =>
        async args => {
          try {
            const answer = await next(args)
            this.actions.add((commandName as string).replace(/Command$/, ''))
            this.#reply(args.input, answer.output as object)
            return answer
          } catch (error) {
            this.faults.add((error as Error).name)
            throw error
          }
        },
      { step: 'initialize' },
    )
  }

  #reply(input: object, output: object): void {
    const { decisions = [] } = input as { decisions?: { decisionType: string }[] }
    for (const { decisionType } of decisions) this.decisions.add(decisionType)
    const { events = [] } = output as { events?: { eventType: EventType }[] }
    for (const event of events) {
      this.events.add(event.eventType)
      const held = (event as unknown as Record<string, Record<string, string>>)[attributesMember(event.eventType)]!
      for (const [name, member] of Object.entries<MemberKind>(HISTORY_EVENTS[event.eventType])) {
        if (member.kind === 'enum' && held[name] !== undefined) this.values.add(`${member.name}.${held[name]}`)
      }
    }
    const { executionInfo, executionInfos = [] } = output as { executionInfo?: object; executionInfos?: object[] }
    for (const info of executionInfo ? [executionInfo, ...executionInfos] : executionInfos) {
      const { closeStatus, executionStatus } = info as { closeStatus?: string; executionStatus: string }
      this.values.add(`ExecutionStatus.${executionStatus}`)
      if (closeStatus) this.values.add(`CloseStatus.${closeStatus}`)
    }
  }
}

export interface Contract {
  readonly swf: SWF
  readonly clock: VirtualClock
  readonly faults: Faults
  start(options?: object): Promise<Run>
  close(): Promise<void>
}

interface Options {
  readonly quotas?: QuotaOptions
  readonly lambda?: Lambdas
}

export async function openContract(seen: Seen, { quotas = 'none', lambda }: Options = {}): Promise<Contract> {
  // The clock itself: that of LocalSwf waits at every stop for workers, who are the tests here.
  const clock = new VirtualClock(Date.UTC(2030, 0, 1))
  const faults = new Faults(0)
  const lambdas = new LambdaRunner(lambda)
  const engine = new Engine({
    clock,
    store: new MemoryStore(),
    region: 'us-east-1',
    quotas: quotasOf(quotas),
    faults,
    lambdas,
  })
  const polls = new Polls(50, engine.quotas.pollers)
  engine.sweep()
  const server = await listen({ engine, polls, time: new RealTime(clock) }, { host: '127.0.0.1', port: 0 })
  const swf = client(`http://127.0.0.1:${server.port}`)
  seen.watch(swf)
  await registerAll(swf)
  return {
    swf,
    clock,
    faults,
    start: async (given = {}) => {
      const list = unique('list')
      const input = { domain: DOMAIN, workflowId: unique('w'), workflowType, taskList: { name: list }, ...given }
      const { runId } = await swf.startWorkflowExecution(input)
      return new Run(swf, input.workflowId, runId!, input.taskList?.name ?? 'orders')
    },
    close: async () => {
      swf.destroy()
      polls.close()
      lambdas.close()
      await server.close()
    },
  }
}

/** The events of an execution from the event `first` on: the type and the attributes of each. */
export async function story(run: Run, first = 1): Promise<[string, object][]> {
  const events = await run.history()
  return events.slice(first - 1).map(event => [event.eventType!, attributes(event)])
}

/** The event of a decision task of the fixture's type that is scheduled on the list of its execution. */
export const scheduled = (run: Run, given: object = {}): [string, object] => [
  'DecisionTaskScheduled',
  { taskList: { name: run.list }, startToCloseTimeout: '30', scheduleToStartTimeout: 'NONE', ...given },
]

/** A reply without what the SDK adds. */
export async function reply(answer: Promise<object>): Promise<object> {
  const { $metadata, ...rest } = (await answer) as { $metadata: object }
  expect($metadata).toMatchObject({ httpStatusCode: 200, requestId: expect.any(String) as string })
  return rest
}

export async function refused(answer: Promise<unknown>, name: string, message?: string | RegExp): Promise<void> {
  const fault: Error = await answer.then(
    () => expect.fail(`${name} was expected`),
    (error: Error) => error,
  )
  expect(fault.name).toBe(name)
  if (message !== undefined) expect(fault.message).toMatch(message)
}

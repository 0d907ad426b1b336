import { Arg, Ctx, FieldResolver, Int, Resolver, Root } from 'type-graphql'
import { isRedisAway } from '../redis.js'
import type { OpenActivity, OpenChild, OpenTimer } from '../swf/execution-state.js'
import { decodePayload } from '../swf/payload.js'
import type { Context } from './context.js'
import { Execution } from './execution.type.js'
import type { HistoryReading } from './histories.js'
import { eventOf } from './history.type.js'
import { LIMITS, pageSize } from './limits.js'
import { Payload, payloadOf } from './payload.type.js'
import {
  PendingActivity,
  PendingActivityState,
  PendingChild,
  PendingOperation,
  PendingTimer,
  WaitReason,
  type Standing,
} from './pending.type.js'
import { Queue, queueOf } from './queue.type.js'
import { DateTime } from './scalar.js'
import { Worker, workerOf } from './worker.type.js'

@Resolver(() => Execution)
export class PendingResolver {
  @FieldResolver(() => [PendingOperation], {
    nullable: true,
    description:
      'The activities, timers and children that it waits for, the oldest first; null with an error when its history cannot be read.',
  })
  async pending(
    @Root() execution: Execution,
    @Arg('first', () => Int, { defaultValue: 100, description: `How many at most, up to ${LIMITS.historyPage}.` })
    first: number,
    @Ctx() { executions }: Context,
  ): Promise<PendingOperation[]> {
    const size = pageSize('first', first, LIMITS.historyPage)
    return pendingOf(await executions.history(execution)).slice(0, size)
  }
}

@Resolver(() => PendingActivity)
export class PendingActivityResolver {
  @FieldResolver(() => PendingActivityState, { description: 'Where it stands.' })
  async state(@Root() activity: PendingActivity, @Ctx() context: Context): Promise<PendingActivityState> {
    return (await standing(activity, context)).state
  }

  @FieldResolver(() => WaitReason, {
    nullable: true,
    description: 'What holds it back; null when it runs, or is about to.',
  })
  async waitingFor(@Root() activity: PendingActivity, @Ctx() context: Context): Promise<WaitReason | undefined> {
    return (await standing(activity, context)).waitingFor
  }

  @FieldResolver(() => Int, {
    nullable: true,
    description: 'Its place among those that wait in the queue, from 1; null when it does not wait there.',
  })
  async position(@Root() activity: PendingActivity, @Ctx() context: Context): Promise<number | undefined> {
    return (await standing(activity, context)).place?.position
  }

  @FieldResolver(() => Queue, { nullable: true, description: 'Its queue; null when no worker has ever named it.' })
  async queue(@Root() { domain, taskList }: PendingActivity, @Ctx() { places }: Context): Promise<Queue | undefined> {
    const queue = await places.queue(domain, taskList)
    return queue && queueOf(queue)
  }

  @FieldResolver(() => Worker, { nullable: true, description: 'The worker that runs it; null when none does.' })
  async worker(@Root() activity: PendingActivity, @Ctx() context: Context): Promise<Worker | undefined> {
    const { state, place } = await standing(activity, context)
    if (state !== 'RUNNING' || place?.process === undefined) return undefined
    const worker = (await context.places.workers(activity.domain)).find(({ id }) => id === place.process)
    return worker && workerOf(activity.domain, worker)
  }

  @FieldResolver(() => Int, { nullable: true, description: 'How often it was taken over from a worker that died.' })
  async takeovers(@Root() activity: PendingActivity, @Ctx() context: Context): Promise<number | undefined> {
    return (await standing(activity, context)).place?.takeovers
  }

  @FieldResolver(() => DateTime, {
    nullable: true,
    description: 'When it fails unless somebody completes it; null when it is not left open.',
  })
  async openUntil(@Root() activity: PendingActivity, @Ctx() context: Context): Promise<number | undefined> {
    return (await standing(activity, context)).place?.openUntil
  }

  @FieldResolver(() => DateTime, {
    nullable: true,
    description: 'When SWF last heard of it; null before its first heartbeat.',
  })
  async heartbeatAt(@Root() activity: PendingActivity, @Ctx() context: Context): Promise<number | undefined> {
    return (await standing(activity, context)).place?.heartbeatAt
  }

  @FieldResolver(() => Payload, { nullable: true, description: 'The details of that heartbeat.' })
  async heartbeatDetails(@Root() activity: PendingActivity, @Ctx() context: Context): Promise<Payload | undefined> {
    return payloadOf((await standing(activity, context)).place?.heartbeatDetails)
  }
}

@Resolver(() => PendingChild)
export class PendingChildResolver {
  @FieldResolver(() => Execution, { nullable: true, description: 'The child; null until SWF has started it.' })
  async execution(
    @Root() { domain, workflowId, runId }: PendingChild,
    @Ctx() { executions }: Context,
  ): Promise<Execution | undefined> {
    return runId === undefined ? undefined : executions.find(domain, workflowId, runId)
  }
}

/** What the queue says of an activity, asked once for all its fields. */
function standing(activity: PendingActivity, context: Context): Promise<Standing> {
  return (activity.standing ??= findStanding(activity, context))
}

async function findStanding(
  { domain, taskList, ref, startedAt }: PendingActivity,
  { places }: Context,
): Promise<Standing> {
  const state = startedAt === undefined ? 'SCHEDULED' : 'UNKNOWN'
  try {
    const { place, waitingFor } = await places.place(domain, taskList, ref)
    if (place) return { state: STATES[place.state], place, ...(waitingFor && { waitingFor }) }
    return { state, ...(waitingFor && state === 'SCHEDULED' && { waitingFor }) }
  } catch (error) {
    if (!isRedisAway(error)) throw error
    return { state, waitingFor: 'REDIS_UNAVAILABLE' }
  }
}

const STATES = { WAIT: 'QUEUED', RUN: 'RUNNING', OPEN: 'LEFT_OPEN', OUT: 'ANSWERED' } as const

/** Lists what a history leaves open, by the events with which it began. */
function pendingOf(reading: HistoryReading): PendingOperation[] {
  const { activities, timers, children } = reading.state.open
  return [
    ...[...activities.values()].map(activity => activityOf(activity, reading)),
    ...[...timers.values()].map(timer => timerOf(timer, reading)),
    ...[...children.values()].map(child => childOf(child, reading)),
  ].sort((a, b) => a.scheduledEvent.eventId - b.scheduledEvent.eventId)
}

// Instances, which type-graphql hands on to resolvers as they are.

function activityOf(activity: OpenActivity, reading: HistoryReading): PendingActivity {
  const { activityId, activityType, taskList, scheduledEventId, scheduledAt, startedAt } = activity
  return Object.assign(new PendingActivity(), {
    domain: reading.domain,
    ref: { runId: reading.runId, activityId, scheduledEventId },
    since: scheduledAt,
    scheduledEvent: eventOf(reading, scheduledEventId)!,
    startedAt,
    activityId,
    activityType,
    taskList,
    attempt: decodePayload(activity.input).envelope.attempt ?? 1,
    cancelRequested: activity.cancelRequested,
  })
}

function timerOf({ timerId, startedEventId, startedAt, firesAt }: OpenTimer, reading: HistoryReading): PendingTimer {
  const scheduledEvent = eventOf(reading, startedEventId)!
  return Object.assign(new PendingTimer(), { since: startedAt, scheduledEvent, timerId, firesAt })
}

function childOf(child: OpenChild, reading: HistoryReading): PendingChild {
  const { workflowId, runId, workflowType, initiatedEventId, initiatedAt } = child
  const scheduledEvent = eventOf(reading, initiatedEventId)!
  const { domain } = reading
  return Object.assign(new PendingChild(), {
    domain,
    since: initiatedAt,
    scheduledEvent,
    workflowId,
    runId,
    workflowType,
  })
}

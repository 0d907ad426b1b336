// What an open execution waits for, from the command line: its history says what is open, its queues say why it waits.

import { Command } from 'commander'
import { beginningOf } from '../cut.js'
import { Queues, type ActivityPlace } from '../queues/queue.js'
import { closeRedis, connectRedis, isRedisAway, redisReady, type Redis } from '../redis.js'
import { SECOND } from '../swf/duration.js'
import { fold, type ExecutionState, type OpenActivity } from '../swf/execution-state.js'
import { readHistory } from '../swf/history.js'
import { decodePayload } from '../swf/payload.js'
import { createLog } from '../telemetry.js'
import { option, swfClient, withRedis, withSwf, type RedisConfig, type SwfConfig } from './config.js'
import { lastRun } from './last-run.js'
import { columns, span } from './queue-text.js'

type Config = SwfConfig & RedisConfig & { workflowId: string; runId?: string }

/** How long Redis may take to answer, in milliseconds. */
const REDIS = 3 * SECOND
/** Characters of a heartbeat's details that are shown. */
const DETAILS = 60

export function pendingCommand(): Command {
  const command = new Command('pending')
    .description('tell what an open execution waits for, where, held by what, run by whom')
    .addHelpText(
      'after',
      `
Example:
  swf-gateway execution pending --domain orders --workflow-id order-17`,
    )
  withRedis(withSwf(command))
    .addOption(option('--workflow-id <id>', 'which execution').makeOptionMandatory())
    .addOption(option('--run-id <id>', 'which run; without it the open one, else the last that closed'))
  return command.action(async (config: Config) => {
    const { domain, workflowId } = config
    const swf = swfClient(config)
    const log = createLog('pending', 'silent')
    const redis = connectRedis({ url: config.redis, name: 'swf-gateway:pending', log })
    try {
      const execution = config.runId ? { workflowId, runId: config.runId } : await lastRun(swf, domain, workflowId)
      const state = fold(await readHistory(swf, domain, execution))
      const queues = new Queues({ redis, prefix: config.prefix, log })
      const places = await placesOf(redis, queues, domain, execution.runId, [...state.open.activities.values()])
      console.log(describePending(state, places, Date.now()))
    } finally {
      swf.close()
      await closeRedis(redis)
    }
  })
}

/** Looks activities up, those of one queue together; undefined when Redis does not answer. */
async function placesOf(
  redis: Redis,
  queues: Queues,
  domain: string,
  runId: string,
  activities: readonly OpenActivity[],
): Promise<ReadonlyMap<OpenActivity, ActivityPlace> | undefined> {
  const found = new Map<OpenActivity, ActivityPlace>()
  try {
    await redisReady(redis, REDIS)
    for (const taskList of new Set(activities.map(each => each.taskList))) {
      const here = activities.filter(each => each.taskList === taskList)
      const refs = here.map(({ activityId, scheduledEventId }) => ({ runId, activityId, scheduledEventId }))
      const places = await queues.places(domain, taskList, refs)
      here.forEach((activity, i) => found.set(activity, places[i]!))
    }
    return found
  } catch (error) {
    if (isRedisAway(error)) return undefined
    throw error
  }
}

function describePending(
  { open, closeStatus }: ExecutionState,
  places: ReadonlyMap<OpenActivity, ActivityPlace> | undefined,
  now: number,
): string {
  if (closeStatus) return `It has closed: ${closeStatus}.`
  const activities = [...open.activities.values()]
  const rest = [
    ...[...open.timers.values()].map(
      ({ timerId, firesAt }) => `timer ${timerId} fires in ${span(firesAt.getTime() - now)}`,
    ),
    ...[...open.children.values()].map(
      ({ workflowId, runId }) => `child ${workflowId}${runId ? `, run ${runId}` : ', not started yet'}`,
    ),
    ...[...open.lambdas.values()].map(({ id, name }) => `lambda function ${name} (${id})`),
    ...(open.decisionTask ? ['a decision task: a decider is at work, or is missing'] : []),
  ]
  if (activities.length + rest.length === 0) return 'It waits for nothing but signals.'
  const rows = activities.map(activity => rowOf(activity, places?.get(activity), places !== undefined, now))
  return [
    ...(rows.length
      ? [
          columns([
            ['ACTIVITY', 'ID', 'TRY', 'TASK LIST', 'SINCE', 'STATE', 'WAITS FOR', 'POSITION', 'WORKER', 'HEARTBEAT'],
            ...rows,
          ]),
        ]
      : []),
    ...rest,
  ].join('\n')
}

const STATES = { WAIT: 'QUEUED', RUN: 'RUNNING', OPEN: 'LEFT_OPEN', OUT: 'ANSWERED' } as const

function rowOf(
  { activityId, activityType, taskList, scheduledAt, startedAt, identity, input }: OpenActivity,
  standing: ActivityPlace | undefined,
  redis: boolean,
  now: number,
): (string | number)[] {
  const { place, waitingFor } = standing ?? {}
  const state = place ? STATES[place.state] : startedAt ? 'UNKNOWN' : 'SCHEDULED'
  const reason = redis ? (state === 'UNKNOWN' ? undefined : waitingFor) : 'REDIS_UNAVAILABLE'
  const beat = place?.heartbeatAt && `${span(Math.max(0, now - place.heartbeatAt))} ago`
  return [
    ...[
      `${activityType.name} ${activityType.version}`,
      activityId,
      decodePayload(input).envelope.attempt ?? 1,
      taskList,
    ],
    ...[span(now - scheduledAt.getTime()), state, reason ?? '-', place?.position ?? '-'],
    ...[
      place?.process ?? (state === 'UNKNOWN' && identity ? identity : '-'),
      [beat, place?.heartbeatDetails && beginningOf(place.heartbeatDetails, DETAILS)].filter(Boolean).join(' ') || '-',
    ],
  ]
}

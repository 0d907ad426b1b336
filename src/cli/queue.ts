// Queues from the command line: look, tune, and see who tuned. It talks to Redis only, so it works while SWF does not.

import { hostname, userInfo } from 'node:os'
import { Command, InvalidArgumentError, Option } from 'commander'
import { Queues, type QueueState, type RateLimit, type SettingsChange } from '../queues/queue.js'
import { RedisUnavailable, closeRedis, connectRedis, redisReady, redisTrouble } from '../redis.js'
import { MINUTE, SECOND } from '../swf/duration.js'
import { createLog } from '../telemetry.js'
import { duration, integer, option, withRedis, type RedisConfig } from './config.js'
import { CliError } from './error.js'
import { describeChange, describeChanges, describeQueue, describeQueues, describeWorkers } from './queue-text.js'

type Config = RedisConfig & { domain: string; json?: boolean; by?: string; wait?: number }

/** How long Redis may take to answer, and workers to obey, in milliseconds; workers obey within 2 s. */
const REDIS = 3 * SECOND
const OBEY = 5 * SECOND

export function queueCommand(): Command {
  return new Command('queue')
    .addHelpText(
      'after',
      `
Settings are one versioned record a task list, in Redis; every worker obeys within two seconds.

Examples:
  swf-gateway queue list --domain orders
  swf-gateway queue set activities --concurrency 50 --rate 100/s --domain orders
  swf-gateway queue pause activities --domain orders`,
    )
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(workersCommand())
    .addCommand(setCommand())
    .addCommand(pauseCommand('pause', true, 'poll nothing any more; what runs goes on'))
    .addCommand(pauseCommand('resume', false, 'poll again'))
    .addCommand(historyCommand())
}

function listCommand(): Command {
  const command = named('list', 'list the queues, with their numbers and settings').option('--json', 'as JSON')
  return command.action((config: Config) =>
    withQueues(config, async queues => {
      const list = await queues.list(config.domain)
      print(config, list, () => describeQueues(list, config.domain))
    }),
  )
}

function showCommand(): Command {
  const command = named('show', 'show one queue: settings, fleet, what happened lately')
    .argument('<task-list>', 'its task list')
    .addOption(
      new Option('--window <duration>', 'how far back statistics go, at most 1h')
        .argParser(duration)
        .default(5 * MINUTE, '5m'),
    )
    .option('--json', 'as JSON')
  return command.action((taskList: string, config: Config & { window: number }) =>
    withQueues(config, async queues => {
      const queue = await found(queues, config, taskList)
      const statistics = await queues.measures(config.domain, taskList, config.window)
      print(config, { ...queue, statistics }, () => describeQueue(queue, statistics, Date.now()))
    }),
  )
}

function workersCommand(): Command {
  const command = named('workers', 'list the workers that were seen within the last minute').option('--json', 'as JSON')
  return command.action((config: Config) =>
    withQueues(config, async queues => {
      const workers = await queues.workers(config.domain)
      print(config, workers, () => describeWorkers(workers, config.domain, Date.now()))
    }),
  )
}

/** Settings come from flags alone: neither the environment nor a file that workers read may change a queue. */
const CHANGES = ['concurrency', 'workerConcurrency', 'prefetch', 'rate'] as const

function setCommand(): Command {
  const command = changing(named('set', 'change settings; what is left out stays as it is'))
    .argument('<task-list>', 'its task list')
    .option('--concurrency <n>', 'activities that the whole fleet runs at a time', integer())
    .option('--worker-concurrency <n>', 'activities that one worker runs at a time', integer(1))
    .option('--prefetch <n>', 'tasks polled beyond those that can run at once', integer())
    .option('--rate <tasks/time>', 'tasks polled at most: 100/s, 5/10m; none takes the limit away', rate)
    .option('--expected-version <n>', 'only if the settings are still at this version', integer())
  return command.action(
    (taskList: string, config: Config & SettingsChange & { rate?: RateLimit | 'none'; expectedVersion?: number }) => {
      const given = new Set(CHANGES.filter(name => command.getOptionValueSource(name) === 'cli'))
      if (given.size === 0) throw new CliError('NOTHING_TO_SET', `Say what to set: ${flagsOf(command).join(', ')}`, 2)
      const { concurrency, workerConcurrency, prefetch } = config
      const change: SettingsChange = {
        ...(given.has('concurrency') && { concurrency: concurrency! }),
        ...(given.has('workerConcurrency') && { workerConcurrency: workerConcurrency! }),
        ...(given.has('prefetch') && { prefetch: prefetch! }),
        ...(given.has('rate') && { rateLimit: config.rate === 'none' ? null : config.rate! }),
      }
      return withQueues(config, async queues => {
        const obeyed = await update(queues, config, taskList, change, config.expectedVersion)
        await obeyed()
      })
    },
  )
}

function pauseCommand(name: string, paused: boolean, description: string): Command {
  const command = changing(named(name, description)).argument('<task-list...>', 'one task list or more')
  return command.action((taskLists: string[], config: Config) =>
    withQueues(config, async queues => {
      // All of them, before one that does not obey is complained about.
      for (const taskList of taskLists) await found(queues, config, taskList)
      const waits: (() => Promise<void>)[] = []
      for (const taskList of taskLists) waits.push(await update(queues, config, taskList, { paused }))
      const results = await Promise.allSettled(waits.map(obeyed => obeyed()))
      for (const result of results) if (result.status === 'rejected') throw result.reason
    }),
  )
}

function historyCommand(): Command {
  const command = named('history', 'tell who changed the settings, when, from what and to what')
    .argument('<task-list>', 'its task list')
    .option('--limit <n>', 'how many changes, the newest first', integer(1), 20)
    .option('--json', 'as JSON')
  return command.action((taskList: string, config: Config & { limit: number }) =>
    withQueues(config, async queues => {
      await found(queues, config, taskList)
      const changes = await queues.changes(config.domain, taskList, config.limit)
      print(config, changes, () => describeChanges(changes))
    }),
  )
}

function named(name: string, description: string): Command {
  const command = new Command(name)
    .description(description)
    .addOption(option('--domain <name>', 'SWF domain').default('swf-gateway'))
    .option('--config <file>', 'JSON file with domain, redis and prefix')
  return withRedis(command)
}

function changing(command: Command): Command {
  return command
    .option('--by <name>', 'who is put on record', operator())
    .addOption(
      new Option('--wait <duration>', 'how long to wait for the workers to obey; 0s does not wait')
        .argParser(duration)
        .default(OBEY, '5s'),
    )
}

function operator(): string {
  try {
    return `${userInfo().username}@${hostname()}`
  } catch {
    // A container may run under a number that has no name.
    return `${process.getuid?.()}@${hostname()}`
  }
}

function flagsOf(command: Command): string[] {
  return command.options.filter(made => CHANGES.some(name => name === made.attributeName())).map(made => made.long!)
}

/** Reads `100/s`, `5/10m`; or `none`. */
function rate(text: string): RateLimit | 'none' {
  if (text === 'none') return text
  const [, tasks, time] = /^(\d+)\/(.+)$/.exec(text) ?? []
  if (tasks === undefined) throw new InvalidArgumentError('Write tasks/time, as in 100/s or 5/10m; or none.')
  return { tasks: Number(tasks), per: duration(/^\D+$/.test(time!) ? `1${time}` : time!) }
}

async function withQueues(config: Config, work: (queues: Queues) => Promise<void>): Promise<void> {
  const log = createLog('queue', 'silent')
  const redis = connectRedis({ url: config.redis, name: 'swf-gateway:queue', log })
  try {
    await redisReady(redis, REDIS)
    await work(new Queues({ redis, prefix: config.prefix, log }))
  } catch (error) {
    const trouble = redisTrouble(error)
    if (!trouble || 'code' in (error as Error)) throw error
    throw new RedisUnavailable(trouble.text, { cause: error })
  } finally {
    await closeRedis(redis)
  }
}

async function found(queues: Queues, { domain }: Config, taskList: string): Promise<QueueState> {
  const queue = await queues.get(domain, taskList)
  if (queue) return queue
  const known = (await queues.list(domain)).map(each => each.taskList)
  throw new CliError(
    'NOT_FOUND',
    `No worker has named task list ${taskList} in domain ${domain}${known.length ? `; there are ${known.join(', ')}` : ''}`,
  )
}

/** Makes a change; returns what waits until it is obeyed. */
async function update(
  queues: Queues,
  config: Config,
  taskList: string,
  change: SettingsChange,
  expectedVersion?: number,
): Promise<() => Promise<void>> {
  await found(queues, config, taskList)
  const began = performance.now()
  const by = config.by!
  const { queue, previous } = await queues.update(config.domain, taskList, change, by, expectedVersion)
  console.log(`${taskList}: ${describeChange(previous, queue.settings)}; version ${queue.settings.version}`)
  const { wait = OBEY } = config
  return async () => {
    if (wait > 0) await obeyed(queues, config, queue, began, wait)
  }
}

async function obeyed(queues: Queues, config: Config, queue: QueueState, began: number, wait: number): Promise<void> {
  const { taskList, settings } = queue
  const { version } = settings
  for (;;) {
    const { observed } = (await queues.get(config.domain, taskList)) ?? queue
    const late = observed.filter(each => each.version < version)
    const took = performance.now() - began
    if (late.length === 0) {
      const workers = `${observed.length} ${observed.length === 1 ? 'worker' : 'workers'}`
      return console.log(
        observed.length ? `obeyed by ${workers} after ${(took / SECOND).toFixed(1)} s` : 'no worker is alive',
      )
    }
    if (took > wait)
      throw new CliError(
        'NOT_OBEYED',
        `${taskList}: the change is made, but ${late.map(({ worker }) => worker.id).join(', ')} did not obey within ${wait / SECOND} s`,
      )
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

function print({ json }: Config, value: unknown, text: () => string): void {
  console.log(json ? JSON.stringify(value, undefined, 2) : text())
}

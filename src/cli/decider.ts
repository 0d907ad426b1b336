import { Command } from 'commander'
import { Publisher } from '../feed/publisher.js'
import { Tail } from '../feed/tail.js'
import { ProbeServer } from '../probes.js'
import { Queues } from '../queues/queue.js'
import { feedNeeds } from '../feed/redis-needs.js'
import { queueNeeds } from '../queues/redis-needs.js'
import { RedisHealth, allNeeds } from '../redis-health.js'
import { RedisUnsuitable, closeRedis, connectRedis, redisReady } from '../redis.js'
import { createMetrics } from '../telemetry.js'
import { FeedAnnouncer } from '../workers/decider/announcer.js'
import { Decider, DEFAULTS } from '../workers/decider/decider.js'
import { loadApp, withApp } from './app.js'
import {
  integer,
  listenOptions,
  option,
  swfClient,
  withFeed,
  withPort,
  withRedis,
  withSwf,
  type FeedConfig,
  type ListenConfig,
  type RedisConfig,
  type SwfConfig,
} from './config.js'
import { CliError } from './error.js'
import { processLog, runProcess } from './run-process.js'

type Config = SwfConfig &
  RedisConfig &
  FeedConfig &
  ListenConfig & { app: string; pollers: number; cached: number; cachedMegabytes: number }

const MEGABYTE = 1_048_576
/** How long a start waits for Redis before it goes on without, in milliseconds. */
const PATIENCE = 1_000

export function deciderCommand(): Command {
  const command = new Command('decider').addHelpText(
    'after',
    `
Any number of deciders may serve a domain; an execution is decided by one at a time.

Example:
  swf-gateway decider --app dist/app.js --domain orders --redis redis://redis:6379`,
  )
  withPort(withFeed(withRedis(withApp(withSwf(command)))), '/livez, /readyz and /metrics', 4001)
    .addOption(
      option('--pollers <n>', 'polls held open for each task list')
        .argParser(integer(1, 1_000))
        .default(DEFAULTS.pollers),
    )
    .addOption(
      option('--cached <n>', 'executions kept in memory between decision tasks; 0 replays each time')
        .argParser(integer(0))
        .default(DEFAULTS.cached),
    )
    .addOption(
      option('--cached-megabytes <n>', 'about how much memory they may take together')
        .argParser(integer(1))
        .default(DEFAULTS.cachedBytes / MEGABYTE),
    )
  return command.action(async (config: Config) => {
    const log = processLog('decider', config.logLevel)
    const { workflows } = await loadApp(config.app)
    if (workflows.length === 0) throw new CliError('APP_INVALID', `${config.app} exports no \`workflows\``)
    const metrics = createMetrics('decider')
    const swf = swfClient(config, { metrics, maxPolls: 1_000 })
    const redis = connectRedis({ url: config.redis, name: 'swf-gateway:decider', log })
    const { prefix, domain, pollers, cached, feedLength: maxLength } = config
    const needs = allNeeds([feedNeeds(prefix, domain), queueNeeds(prefix, domain)])
    const health = new RedisHealth({ redis, needs, log })
    const publisher = new Publisher({ redis, swf, prefix, log, maxLength, metrics })
    const tail = new Tail({ swf, publisher, redis, prefix, log })
    const queues = new Queues({ redis, prefix, log })
    const announcer = new FeedAnnouncer({ publisher, tail, queues, domain, log })
    const cachedBytes = config.cachedMegabytes * MEGABYTE
    const decider = new Decider({ swf, announcer, domain, workflows, pollers, cached, cachedBytes, log, metrics })
    const probes = new ProbeServer({
      ...listenOptions(config),
      metrics,
      // Without Redis it decides all the same; what it publishes then comes later.
      readiness: async () => [...(await decider.readiness()), ...(await health.lacks({ needed: false }))],
    })
    const connections = {
      start: () =>
        redisReady(redis, PATIENCE).catch((error: unknown) => {
          if (error instanceof RedisUnsuitable) throw error
        }),
      stop: () => closeRedis(redis),
    }
    await runProcess(log, [connections, probes, decider], () => ({ port: probes.port }))
  })
}

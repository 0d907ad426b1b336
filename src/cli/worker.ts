import { Command, InvalidArgumentError } from 'commander'
import { ProbeServer } from '../probes.js'
import { parseQueueDefaults, type QueueDefaults } from '../queues/defaults.js'
import { createMetrics } from '../telemetry.js'
import { ActivityWorker } from '../workers/activity/activity-worker.js'
import { loadApp, withApp } from './app.js'
import {
  duration,
  integer,
  listenOptions,
  option,
  swfClient,
  withPort,
  withRedis,
  withSwf,
  type ListenConfig,
  type RedisConfig,
  type SwfConfig,
} from './config.js'
import { CliError } from './error.js'
import { processLog, runProcess } from './run-process.js'

type Config = SwfConfig &
  RedisConfig &
  ListenConfig & { app: string; concurrency?: number; queues?: Record<string, QueueDefaults>; drain: number }

export function workerCommand(): Command {
  const command = new Command('worker').addHelpText(
    'after',
    `
Concurrency of the whole fleet is a setting of each task list, obeyed while workers run: swf-gateway queue set, or updateQueue
in GraphQL. Until somebody sets it, --queues holds, which is best kept in the file: { "queues": { "payments": { "concurrency": 5,
"workerConcurrency": 2, "prefetch": 0, "rateLimit": { "tasks": 100, "per": "1s" }, "startPaused": true } } }

Example:
  swf-gateway worker --app dist/app.js --domain orders --redis redis://redis:6379`,
  )
  withPort(withRedis(withApp(withSwf(command))), '/livez, /readyz and /metrics', 4002)
    .addOption(
      option('--concurrency <n>', 'most handlers at a time in this process, for each task list').argParser(integer(1)),
    )
    .addOption(
      option('--queues <json>', 'settings by task list that hold until an operator changes them').argParser(
        queueDefaults,
      ),
    )
    .addOption(
      option('--drain <duration>', 'how long running handlers may go on after SIGTERM; allow 15 s more before a kill')
        .argParser(duration)
        .default(60_000, '60s'),
    )
  return command.action(async (config: Config) => {
    const log = processLog('worker', config.logLevel)
    const { handlers } = await loadApp(config.app)
    if (handlers.length === 0) throw new CliError('APP_INVALID', `${config.app} exports no \`handlers\``)
    const metrics = createMetrics('worker')
    const worker = new ActivityWorker({
      swf: swfClient(config, { metrics, maxPolls: 1_000 }),
      redis: { url: config.redis },
      prefix: config.prefix,
      domain: config.domain,
      handlers,
      drain: config.drain,
      ...(config.concurrency && { concurrency: config.concurrency }),
      ...(config.queues && { queues: config.queues }),
      log,
      metrics,
    })
    const probes = new ProbeServer({ ...listenOptions(config), metrics, readiness: () => worker.readiness() })
    // What does not end is given back to SWF then, which takes its time too.
    const grace = config.drain + 14_000
    await runProcess(log, [probes, worker], () => ({ port: probes.port }), { grace })
  })
}

function queueDefaults(text: string): Record<string, QueueDefaults> {
  try {
    return parseQueueDefaults(text)
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}

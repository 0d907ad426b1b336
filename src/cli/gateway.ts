import { Command, InvalidArgumentError } from 'commander'
import { DEFAULTS as HTTP } from '../graphql/http-server.js'
import { LIMITS } from '../graphql/limits.js'
import { AWS_READ_RATES } from '../graphql/read-budget.js'
import { Gateway } from '../graphql/server.js'
import { createMetrics } from '../telemetry.js'
import {
  browserOptions,
  duration,
  integer,
  isLocal,
  listenOptions,
  option,
  swfClient,
  withBrowsers,
  withFeed,
  withPort,
  withRedis,
  withSwf,
  type BrowserConfig,
  type FeedConfig,
  type ListenConfig,
  type RedisConfig,
  type SwfConfig,
} from './config.js'
import { processLog, runProcess } from './run-process.js'

type Config = SwfConfig &
  RedisConfig &
  FeedConfig &
  ListenConfig &
  BrowserConfig & {
    sweepInterval: number
    readBudget?: 'aws' | 'none'
    domainIdle: number
    basePath?: string
    keepAlive: number
    drainDelay: number
    drain: number
    maxConnections: number
  }

export function gatewayCommand(): Command {
  const command = new Command('gateway').addHelpText(
    'after',
    `
Paths: /graphql (HTTP and WebSocket), /graphql/stream (SSE), /graphiql, /livez, /readyz, /metrics.

Example, against Amazon:
  AWS_REGION=eu-west-1 swf-gateway gateway --domain orders --redis redis://redis:6379`,
  )
  withBrowsers(withPort(withFeed(withRedis(withSwf(command))), 'GraphQL and the probes', 4000)).addOption(
    option('--sweep-interval <duration>', 'how often SWF is asked for executions that closed or started unseen')
      .argParser(duration)
      .default(60_000, '60s'),
  )
  command.addOption(
    option(
      '--read-budget <which>',
      "what all gateways together may read from SWF: aws (half of Amazon's default quota) or none (what a local SWF gets)",
    ).choices(['aws', 'none']),
  )
  command
    .addOption(
      option('--domain-idle <duration>', 'how long a domain other than its own is followed that nobody asks for')
        .argParser(duration)
        .default(600_000, '10m'),
    )
    .addOption(
      option(
        '--base-path <path>',
        'what paths begin with, where a proxy hands on /workflows/graphql and the like as it is',
      ).argParser(basePath),
    )
    .addOption(
      option('--keep-alive <duration>', 'how long a connection may be idle; longer than any proxy keeps it')
        .argParser(duration)
        .default(HTTP.keepAlive, '620s'),
    )
    .addOption(
      option('--drain-delay <duration>', 'how long connections are still taken after SIGTERM, while /readyz says 503')
        .argParser(duration)
        .default(HTTP.drainDelay, '0s'),
    )
    .addOption(
      option('--drain <duration>', 'how long requests may take to end after that; allow 15 s more before a kill')
        .argParser(duration)
        .default(HTTP.drain, '60s'),
    )
    .addOption(
      option('--max-connections <n>', 'WebSockets and event streams at a time')
        .argParser(integer(1))
        .default(LIMITS.connections),
    )
  return command.action(async (config: Config) => {
    const readBudget = config.readBudget ?? (isLocal(config.endpoint) ? 'none' : 'aws')
    const log = processLog('gateway', config.logLevel)
    const metrics = createMetrics('gateway')
    const gateway = new Gateway({
      ...listenOptions(config),
      ...browserOptions(config),
      ...{ keepAlive: config.keepAlive, drainDelay: config.drainDelay, drain: config.drain },
      ...(config.basePath && { basePath: config.basePath }),
      maxConnections: config.maxConnections,
      domain: config.domain,
      swf: swfClient(config, { metrics }),
      redis: { url: config.redis },
      prefix: config.prefix,
      feedLength: config.feedLength,
      sweepInterval: config.sweepInterval,
      domainIdle: config.domainIdle,
      ...(readBudget === 'aws' && { reads: AWS_READ_RATES }),
      log,
      metrics,
    })
    const grace = config.drainDelay + config.drain + 14_000
    await runProcess(log, [gateway], () => ({ port: gateway.port }), { grace })
  })
}

/** Reads the beginning of a path. */
function basePath(text: string): string {
  const path = text.replace(/\/+$/, '')
  if (path === '' || /^(\/[\w.~-]+)+$/.test(path)) return path
  throw new InvalidArgumentError('Give a path that begins with /, as in /workflows.')
}

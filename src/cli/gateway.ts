import { Command } from 'commander'
import { AWS_READ_RATES } from '../graphql/read-budget.js'
import { Gateway } from '../graphql/server.js'
import { createLog, createMetrics } from '../telemetry.js'
import {
  browserOptions,
  duration,
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
import { runProcess } from './run-process.js'

type Config = SwfConfig &
  RedisConfig &
  FeedConfig &
  ListenConfig &
  BrowserConfig & { sweepInterval: number; readBudget?: 'aws' | 'none' }

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
  return command.action(async (config: Config) => {
    const readBudget = config.readBudget ?? (isLocal(config.endpoint) ? 'none' : 'aws')
    const log = createLog('gateway', config.logLevel)
    const gateway = new Gateway({
      ...listenOptions(config),
      ...browserOptions(config),
      domain: config.domain,
      swf: swfClient(config),
      redis: { url: config.redis },
      prefix: config.prefix,
      feedLength: config.feedLength,
      sweepInterval: config.sweepInterval,
      ...(readBudget === 'aws' && { reads: AWS_READ_RATES }),
      log,
      metrics: createMetrics('gateway'),
    })
    await runProcess(log, [gateway], () => ({ port: gateway.port }))
  })
}

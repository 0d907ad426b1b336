import { Command } from 'commander'
import { createLocalSwf, type LocalSwf } from '../swf/local/index.js'
import { createLog } from '../telemetry.js'
import { duration, logLevel, option, withPort } from './config.js'
import { CliError } from './error.js'
import { runProcess } from './run-process.js'

interface Config {
  host: string
  port: number
  data?: string
  inMemory?: boolean
  pollTimeout: number
  region: string
  logLevel: string
}

export function localSwfCommand(): Command {
  const command = new Command('local-swf').addHelpText(
    'after',
    `
Example:
  swf-gateway local-swf --data .data/swf &
  export AWS_ENDPOINT_URL_SWF=http://127.0.0.1:4596 AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
  aws swf list-domains --registration-status REGISTERED

With --data an answered request survives a crash: the answer leaves after the synced commit that holds it.`,
  )
  withPort(command, "SWF's protocol", 4596)
    .addOption(option('--data <directory>', 'keep the state in this directory'))
    .addOption(option('--in-memory', 'keep the state in memory (without --data this is what happens)'))
    .addOption(
      option('--poll-timeout <duration>', 'how long a poll is held').argParser(duration).default(60_000, '60s'),
    )
    .addOption(option('--region <name>', 'region that appears in ARNs').default('us-east-1'))
    .addOption(logLevel())
  return command.action(async (config: Config) => {
    if (config.data && config.inMemory) throw new CliError('USAGE', 'Give --data or --in-memory, not both', 2)
    const log = createLog('local-swf', config.logLevel)
    let swf: LocalSwf | undefined
    const service = {
      start: async () => {
        swf = await createLocalSwf({
          host: config.host,
          port: config.port,
          pollTimeout: config.pollTimeout,
          region: config.region,
          ...(config.data && { data: config.data }),
        })
      },
      stop: async () => swf?.close(),
    }
    await runProcess(log, [service], () => ({ port: swf!.port, endpoint: swf!.endpoint }))
  })
}

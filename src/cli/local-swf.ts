import { Command } from 'commander'
import { createLocalSwf, type FaultRule, type LocalSwf, type LocalSwfOptions } from '../swf/local/index.js'
import { duration, integer, logLevel, option, withPort } from './config.js'
import { CliError } from './error.js'
import { faultRules, lambdas, quotas } from './local-swf-options.js'
import { processLog, runProcess } from './run-process.js'

interface Config {
  host: string
  port: number
  allowHost?: string[]
  data?: string
  inMemory?: boolean
  pollTimeout: number
  region: string
  quotas: NonNullable<LocalSwfOptions['quotas']>
  fault?: readonly FaultRule[]
  seed: number
  lambda?: readonly (readonly [string, string])[]
  clock: 'real' | 'virtual'
  logLevel: string
}

const HELP = `
Examples:
  Amazon SWF for anything that can be told an endpoint:
    swf-gateway local-swf --data .data/swf
    export AWS_ENDPOINT_URL_SWF=http://127.0.0.1:4596 AWS_DEFAULT_REGION=us-east-1
    export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
    aws swf list-domains --registration-status REGISTERED
    python3 -c 'import boto3; print(boto3.client("swf").list_domains(registrationStatus="REGISTERED"))'

  A bad day: every tenth answer of a decider is lost, every second request is late
    swf-gateway local-swf --fault drop:RespondDecisionTaskCompleted:0.1 --fault latency:*:0.5:200ms --seed 7
    curl -X POST localhost:4596/_local/faults -H content-type:application/json -d '{"kind":"throttle","rate":0.2}'
    curl -X DELETE localhost:4596/_local/faults

  A history out of one and into another
    curl -G localhost:4596/_local/history -d domain=D --data-urlencode workflowId=W --data-urlencode runId=R > w.json
    curl localhost:4597/_local/history?domain=D -H content-type:application/json --data-binary @w.json

  Thirty days in a moment
    swf-gateway local-swf --clock virtual
    curl localhost:4596/_local/clock -H content-type:application/json -d '{"advance":"30d"}'

With --data an answered request survives a crash: the answer leaves after the synced commit that holds it, that of a poll
included. Faults: latency, throttle, deny, drop (done, but the caller never hears), duplicate; throttle and deny also take
decisions, such as throttle:StartTimer. GET /_local lists what can be changed while it runs.`

export function localSwfCommand(): Command {
  const command = new Command('local-swf').addHelpText('after', HELP)
  withPort(command, "SWF's protocol", 4596)
    .addOption(option('--data <directory>', 'keep the state in this directory'))
    .option('--in-memory', 'keep the state in memory (without --data this is what happens)')
    .addOption(
      option('--poll-timeout <duration>', 'how long a poll is held').argParser(duration).default(60_000, '60s'),
    )
    .addOption(option('--region <name>', 'region that appears in ARNs').default('us-east-1'))
    .addOption(
      option('--quotas <which>', "none, aws (Amazon's rates and limits) or a JSON file")
        .argParser(quotas)
        .default('none'),
    )
    .addOption(
      option('--fault <rule...>', 'kind:actions:rate:latency, what goes wrong on purpose').argParser(faultRules),
    )
    .addOption(option('--seed <number>', 'where the chance of the faults begins').argParser(integer()).default(0))
    .addOption(option('--lambda <name=url...>', 'a Lambda function, as a URL on this machine').argParser(lambdas))
    .addOption(
      option('--clock <kind>', 'virtual: time stands still until /_local/clock moves it')
        .choices(['real', 'virtual'])
        .default('real'),
    )
    .addOption(logLevel())
  return command.action(async (config: Config) => {
    if (config.data && config.inMemory) throw new CliError('USAGE', 'Give --data or --in-memory, not both', 2)
    const log = processLog('local-swf', config.logLevel)
    const { host, port, allowHost, pollTimeout, region, seed, clock } = config
    let swf: LocalSwf | undefined
    const service = {
      start: async () => {
        try {
          swf = await createLocalSwf({
            ...{ host, port, pollTimeout, region, seed, clock, quotas: config.quotas },
            ...(allowHost && { allowHosts: allowHost }),
            ...(config.data && { data: config.data }),
            ...(config.fault && { faults: config.fault }),
            ...(config.lambda && { lambda: Object.fromEntries(config.lambda) }),
          })
        } catch (error) {
          if (error instanceof RangeError) throw new CliError('USAGE', error.message, 2)
          throw error
        }
      },
      stop: async () => swf?.close(),
    }
    await runProcess(log, [service], () => ({ port: swf!.port, endpoint: swf!.endpoint }))
  })
}

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import closeWithGrace from 'close-with-grace'
import { createSwfClient } from '../swf/client.js'
import { loadApp, withApp } from './app.js'
import { logLevel, option, port } from './config.js'
import { LogWatch } from './dev-log.js'
import { addresses, type Endpoints } from './dev-banner.js'
import { forgetDomain, redisChild } from './dev-redis.js'
import { handOverSignals } from './early-stop.js'
import { CliError } from './error.js'
import { registerApp } from '../workers/register-app.js'
import { nodeChild, Supervised } from './supervisor.js'

interface Config {
  app: string
  data: string
  fresh?: boolean
  domain: string
  gatewayPort: number
  deciderPort: number
  workerPort: number
  swfPort: number
  redisPort: number
  redis?: string
  quiet?: boolean
  logLevel: string
}

/** What `dev.json` in the data directory says; also sent over IPC with `type: 'ready'`. */
export interface DevState {
  pid: number
  endpoints: Endpoints
  processes: Record<string, { pid: number | undefined }>
}

/** A directory that holds this file was made by `dev`, and may be emptied by `--fresh`. */
const MARK = '.swf-gateway-dev'
const RETENTION_DAYS = 30
/** All processes are gone this many milliseconds after Ctrl-C: workers first, then what they stand on. */
const STOP_WORKERS = 3_200
const STOP_BASE = 1_200

export function devCommand(): Command {
  const command = new Command('dev').addHelpText(
    'after',
    `
No AWS account is used, whatever the environment holds. State stays in --data and goes on with the next start.
A process that dies is started again. Logs are in its folder logs, addresses and process ids in its file dev.json.

Example:
  swf-gateway dev --app dist/app.js`,
  )
  withApp(command)
    .addOption(option('--data <directory>', 'where state and logs are kept').default('.data'))
    .option('--fresh', 'begin empty: deletes the state in --data first')
    .addOption(option('--domain <name>', 'SWF domain').default('swf-gateway'))
    .addOption(option('--redis <url>', 'use this Redis instead of a private one', 'REDIS_URL'))
    .option('--quiet', 'print problems only')
    .addOption(logLevel())
    .option('--config <file>', 'JSON file with these options in camelCase')
  for (const [name, what, number] of [
    ['gateway', 'the gateway', 4000],
    ['decider', "the decider's probes", 4001],
    ['worker', "the worker's probes", 4002],
    ['swf', 'the local SWF', 4596],
    ['redis', 'the private Redis', 0],
  ] as const)
    command.addOption(
      option(`--${name}-port <number>`, `port of ${what}; 0 takes a free one`).argParser(port).default(number),
    )
  return command.action(dev)
}

async function dev(config: Config): Promise<void> {
  const app = await loadApp(config.app)
  const data = resolve(config.data)
  const stateFile = join(data, 'dev.json')
  // All that may be refused comes before anything is deleted.
  await refuseSecond(stateFile)
  const ports = await takePorts(config)
  await openDataDirectory(data, config)
  const say = (line: string) => void (config.quiet || console.log(line))

  const swfEndpoint = `http://127.0.0.1:${ports.swf}`
  const redisUrl = config.redis ?? `redis://127.0.0.1:${ports.redis}`
  const gatewayUrl = `127.0.0.1:${ports.gateway}`
  const endpoints: Endpoints = {
    graphql: `http://${gatewayUrl}/graphql`,
    graphqlWs: `ws://${gatewayUrl}/graphql`,
    graphqlStream: `http://${gatewayUrl}/graphql/stream`,
    graphiql: `http://${gatewayUrl}/graphiql`,
    swf: swfEndpoint,
    decider: `http://127.0.0.1:${ports.decider}`,
    worker: `http://127.0.0.1:${ports.worker}`,
    redis: redisUrl,
  }
  const env = childEnvironment(swfEndpoint, redisUrl, data)
  const main = fileURLToPath(new URL('./main.js', import.meta.url))
  const events = {
    died: (name: string, how: string, delay: number) => {
      writeState()
      console.error(`${name} died (${how}); starting it again in ${delay} ms`)
    },
    started: (name: string) => {
      writeState()
      console.error(`${name} is back`)
    },
  }
  const node = (name: string, args: readonly (string | number)[]) =>
    new Supervised(
      name,
      nodeChild(
        [main, name, ...args.map(String), '--log-level', config.logLevel],
        env,
        join(data, 'logs', `${name}.log`),
      ),
      events,
    )
  const common = ['--domain', config.domain]
  const withAppFile = ['--app', resolve(config.app), ...common]
  const base = [
    node('local-swf', ['--port', ports.swf, '--data', join(data, 'swf'), '--poll-timeout', '2s']),
    ...(config.redis ? [] : [new Supervised('redis', redisChild(join(data, 'redis'), ports.redis), events)]),
  ]
  const workers = [
    node('gateway', ['--port', ports.gateway, '--sweep-interval', '3s', ...common]),
    ...(app.workflows.length > 0 ? [node('decider', ['--port', ports.decider, ...withAppFile])] : []),
    ...(app.handlers.length > 0 ? [node('worker', ['--port', ports.worker, '--drain', '1s', ...withAppFile])] : []),
  ]
  const state = (): DevState => ({
    pid: process.pid,
    endpoints,
    processes: Object.fromEntries([...base, ...workers].map(child => [child.name, { pid: child.pid }])),
  })
  const writeState = () => {
    try {
      writeFileSync(stateFile, `${JSON.stringify(state(), undefined, 2)}\n`)
    } catch (error) {
      console.error(`dev.json is not up to date: ${(error as Error).message}`)
    }
  }

  const names = ['gateway', 'decider', 'worker', 'local-swf']
  const logs = new LogWatch(
    names.map(name => join(data, 'logs', `${name}.log`)),
    line => console.error(line),
  )
  let stopping = false
  const stop = async () => {
    stopping = true
    await Promise.all(workers.map(child => child.stop(STOP_WORKERS)))
    await Promise.all(base.map(child => child.stop(STOP_BASE)))
    logs.stop()
    rmSync(stateFile, { force: true })
  }
  const grace = closeWithGrace({ delay: 6_000, logger: false, skip: ['beforeExit'] }, async ({ signal, err }) => {
    if (err) console.error(`swf-gateway: ${err.stack ?? err.message}`)
    if (signal === 'SIGINT') say('\nstopping …')
    await stop()
    say('stopped; what was running goes on with the next start')
  })
  handOverSignals()
  process.once('disconnect', () => grace.close())

  try {
    await Promise.all(base.map(child => child.start().catch(failed(child.name, data))))
    writeState()
    const swf = createSwfClient({ transport: 'http', endpoint: swfEndpoint })
    await registerApp(swf, config.domain, app, RETENTION_DAYS)
    swf.close()
    await Promise.all(workers.map(child => child.start().catch(failed(child.name, data))))
  } catch (error) {
    if (stopping) return
    await stop()
    throw error
  }
  if (stopping) return
  writeState()
  logs.start()
  say(addresses(endpoints, app, data))
  process.send?.({ type: 'ready', ...state() }, undefined, undefined, () => {})
}

const failed = (name: string, data: string) => (error: Error) => {
  const log = join(data, 'logs', `${name}.log`)
  throw new CliError(
    'START_FAILED',
    `${name} did not start: ${error.message}${existsSync(log) ? `\nIts log is ${log}` : ''}`,
  )
}

async function openDataDirectory(directory: string, { fresh, redis, domain }: Config): Promise<void> {
  const mark = join(directory, MARK)
  if (fresh && existsSync(directory)) {
    if (!existsSync(mark))
      throw new CliError(
        'NOT_OURS',
        `${directory} was not made by swf-gateway dev: delete it yourself, or give another --data`,
      )
    if (redis) await forgetDomain(redis, domain)
    rmSync(directory, { recursive: true, force: true })
  }
  for (const name of ['swf', 'redis', 'logs']) mkdirSync(join(directory, name), { recursive: true })
  writeFileSync(mark, '')
}

async function refuseSecond(stateFile: string): Promise<void> {
  if (!existsSync(stateFile)) return
  const { pid, endpoints } = JSON.parse(readFileSync(stateFile, 'utf8')) as DevState
  try {
    process.kill(pid, 0)
  } catch {
    return
  }
  const answers = await fetch(endpoints.swf).catch(() => undefined)
  if (!answers) return
  throw new CliError(
    'ALREADY_RUNNING',
    `swf-gateway dev runs already with this data, as process ${pid}: ${endpoints.graphql}`,
  )
}

type Ports = Record<'gateway' | 'decider' | 'worker' | 'swf' | 'redis', number>

/** Returns a port for each process: the one asked for, when it is free, or a free one. It stays the same over restarts. */
async function takePorts(config: Config): Promise<Ports> {
  const ports: Partial<Ports> = {}
  const servers = []
  for (const name of ['gateway', 'decider', 'worker', 'swf', 'redis'] as const) {
    const asked = config[`${name}Port`]
    const server = createServer()
    servers.push(server)
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        const problem = error.code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${error.code})`
        reject(new CliError('PORT_IN_USE', `Port ${asked} ${problem}: choose another with --${name}-port`))
      })
      server.listen(asked, '127.0.0.1', resolve)
    })
    ports[name] = (server.address() as AddressInfo).port
  }
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
  return ports as Ports
}

/** The environment of the processes: credentials are dummies, and nothing of the caller's AWS set-up gets through. */
function childEnvironment(endpoint: string, redis: string, data: string): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {}
  for (const [name, value] of Object.entries(process.env))
    if (!name.startsWith('AWS_') && !name.startsWith('SWF_GATEWAY_')) env[name] = value
  return {
    ...env,
    AWS_ENDPOINT_URL_SWF: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    REDIS_URL: redis,
    SWF_GATEWAY_TRANSPORT: 'http',
    SWF_GATEWAY_DATA: data,
  }
}

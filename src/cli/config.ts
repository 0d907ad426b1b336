// Configuration: flags first, then the environment, then a file, then defaults. Only the CLI reads it; everything else
// receives options. A flag `--log-level` is SWF_GATEWAY_LOG_LEVEL in the environment and `logLevel` in the file.

import { type Command, InvalidArgumentError, Option } from 'commander'
import { type DoorOptions, exactOrigin, hostName, webUrl } from '../door.js'
import { DEFAULTS as FEED_DEFAULTS } from '../feed/stream.js'
import { createSwfClient, type SwfClient, type SwfClientOptions } from '../swf/client.js'
import { milliseconds, parseIsoDuration, type Duration } from '../swf/duration.js'
import { CONFIG_FILE } from './config-file.js'

/** Returns an option with a value, which the environment can also set, as SWF_GATEWAY_<FLAG> unless `env` names another variable. */
export function option(flags: string, description: string, env?: string): Option {
  const made = new Option(flags, description).argParser(text)
  return made.env(env ?? `SWF_GATEWAY_${made.name().toUpperCase().replaceAll('-', '_')}`)
}

/** Takes any text that is not empty. */
function text(value: string): string {
  if (value.trim() === '') throw new InvalidArgumentError('Give a value, or leave it out.')
  return value
}

/** Takes the URL of an HTTP server. */
function httpUrl(value: string): string {
  if (URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)) return value
  throw new InvalidArgumentError('Give a URL that begins with http:// or https://.')
}

/** Reads a whole number between `least` and `most`. */
export const integer =
  (least = 0, most = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const number = Number(text)
    if (/^\d+$/.test(text.trim()) && number >= least && number <= most) return number
    throw new InvalidArgumentError(`Give a whole number from ${least}${most < 1e9 ? ` to ${most}` : ''}.`)
  }

export const port = integer(0, 65_535)

/** Reads a duration (`30s`, `5m`, `PT30S`) into milliseconds. */
export function duration(text: string): number {
  try {
    return parseIsoDuration(text) ?? milliseconds((/^\d+$/.test(text) ? Number(text) : text) as Duration)
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

export function logLevel(): Option {
  return option('--log-level <level>', 'how much is logged').choices(LEVELS).default('info')
}

/** Options of every process that talks to SWF. */
export interface SwfConfig {
  domain: string
  endpoint?: string
  region?: string
  /** @default http for an endpoint on this machine, else sdk */
  transport?: 'sdk' | 'http'
  logLevel: string
}

export function withSwf(command: Command): Command {
  return command
    .addOption(option('--domain <name>', 'SWF domain').default('swf-gateway'))
    .addOption(
      option('--endpoint <url>', "URL of SWF; without it Amazon's for the region", 'AWS_ENDPOINT_URL_SWF').argParser(
        httpUrl,
      ),
    )
    .addOption(option('--region <name>', 'AWS region; without it what the AWS chain finds', 'AWS_REGION'))
    .addOption(
      option(
        '--transport <how>',
        'how calls travel: sdk (signed, for Amazon) or http (lean, for a local SWF; what an endpoint on this machine gets)',
      ).choices(['sdk', 'http']),
    )
    .addOption(logLevel())
    .option('--config <file>', `JSON file with these options in camelCase (default: ${CONFIG_FILE} if it is there)`)
}

/** Options of every process that also uses Redis. */
export interface RedisConfig {
  redis: string
  prefix: string
}

export function withRedis(command: Command): Command {
  return command
    .addOption(
      option('--redis <url>', 'URL of Redis, 6.2 or newer, maxmemory-policy noeviction', 'REDIS_URL').default(
        'redis://127.0.0.1:6379',
      ),
    )
    .addOption(option('--prefix <text>', 'first part of every Redis key').default('swf-gateway'))
}

/** Options of every process that writes the feed. */
export interface FeedConfig {
  feedLength: number
}

export function withFeed(command: Command): Command {
  return command.addOption(
    option(
      '--feed-length <n>',
      'updates that Redis keeps for subscribers who are away, about, at 500 bytes each; the same for gateways and deciders',
    )
      .argParser(integer(1_000))
      .default(FEED_DEFAULTS.maxLength),
  )
}

/** Options of the HTTP port of a process. */
export interface ListenConfig {
  host: string
  port: number
  allowHost?: string[]
}

export function withPort(command: Command, serves: string, defaultPort: number): Command {
  return command
    .addOption(option('--host <address>', 'address to listen on').default('127.0.0.1'))
    .addOption(option('--port <number>', `port of ${serves}; 0 takes a free one`).argParser(port).default(defaultPort))
    .addOption(
      option(
        '--allow-host <names>',
        'names by which this port may be asked for besides localhost and addresses, with commas between them: that of a Service or a container',
      ).argParser(list(hostName)),
    )
}

/** Returns where a port listens, and for whom. */
export function listenOptions({ host, port, allowHost }: ListenConfig): { host: string; port: number } & DoorOptions {
  return { host, port, ...(allowHost && { allowHosts: allowHost }) }
}

/** Options of a port that pages in browsers use. */
export interface BrowserConfig {
  publicUrl?: string
  allowOrigin?: string[]
}

/** Returns which pages may use a port. */
export function browserOptions({ publicUrl, allowOrigin }: BrowserConfig): Omit<DoorOptions, 'host'> {
  return { ...(publicUrl && { publicUrl }), ...(allowOrigin && { allowOrigins: allowOrigin }) }
}

export function withBrowsers(command: Command): Command {
  return command
    .addOption(
      option(
        '--public-url <url>',
        'URL by which browsers reach the gateway, when they do so through a proxy',
      ).argParser(checked(text => webUrl(text).href)),
    )
    .addOption(
      option(
        '--allow-origin <origins>',
        'origins of pages that may use the gateway besides its own, with commas between them: https://shop.example.com',
      ).argParser(list(exactOrigin)),
    )
}

/** Reads what `read` reads, whose RangeError says what is wrong. */
function checked<T>(read: (text: string) => T): (text: string) => T {
  return text => {
    try {
      return read(text)
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message)
    }
  }
}

/** Reads what stands between commas or spaces; a flag that is given again adds to it. */
function list<T>(read: (text: string) => T): (text: string, before?: T[]) => T[] {
  return (text, before = []) => [
    ...before,
    ...text
      .split(/[\s,]+/)
      .filter(Boolean)
      .map(checked(read)),
  ]
}

export function swfClient(config: SwfConfig, options: Pick<SwfClientOptions, 'maxPolls' | 'metrics'> = {}): SwfClient {
  return createSwfClient({
    transport: config.transport ?? (isLocal(config.endpoint) ? 'http' : 'sdk'),
    ...(config.endpoint && { endpoint: config.endpoint }),
    ...(config.region && { region: config.region }),
    ...options,
  })
}

/** Tells whether a URL is one of this machine: nothing that Amazon signs for answers there. */
export function isLocal(endpoint: string | undefined): boolean {
  if (!endpoint || !URL.canParse(endpoint)) return false
  return /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(new URL(endpoint).hostname)
}

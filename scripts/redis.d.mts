import type { ChildProcess } from 'node:child_process'

/** A server binary that can be started, and the environment it needs. */
export interface RedisCommand {
  command: string
  env: Record<string, string>
  version: string
}

/** Either somebody's running Redis (`REDIS_URL`), or one to start privately. */
export type FoundRedis = { url: string; command?: never } | (RedisCommand & { url?: never })

export interface FindRedisOptions {
  /** Do not look at `REDIS_URL`. @default false */
  ignoreUrl?: boolean
  /** Called when packages are about to be downloaded, which takes seconds. @default a line on stderr */
  onUnpack?: () => void
  /** Where an unpacked copy is kept. @default redisCache() */
  cache?: string
}

export interface StartRedisOptions {
  found: RedisCommand
  /** Its working folder, and its data. Made when it is not there. */
  dir: string
  /** 0 takes a free one. @default 0 */
  port?: number
  /**
   * `aof`: append-only file synced every second; a kill may lose what was answered while a sync ran, up to two seconds.
   * `always`: synced before each answer. `none`: nothing is kept.
   */
  persistence: 'aof' | 'always' | 'none'
  /** Number of logical databases. @default 16 */
  databases?: number
}

export interface RunningRedis {
  url: string
  port: number
  pid: number
  process: ChildProcess
  /** Resolves when it has ended, with how: `exit code 0`, `SIGKILL`. */
  exited: Promise<string>
  /** Asks it to end, kills it after 5 s; resolves when it has ended. */
  stop(): Promise<void>
}

/** No Redis could be found or started; the message says what to do. */
export declare class RedisUnavailable extends Error {
  readonly code: 'REDIS_UNAVAILABLE'
}

export declare function redisCache(): string
export declare function findRedis(options: FindRedisOptions & { ignoreUrl: true }): Promise<RedisCommand>
export declare function findRedis(options?: FindRedisOptions): Promise<FoundRedis>
export declare function startRedis(options: StartRedisOptions): Promise<RunningRedis>

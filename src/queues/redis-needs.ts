// What whoever works on queues, looks at them or tunes them does in Redis.

import type { RedisNeeds } from '../redis-health.js'
import { domainKey, queueKey } from './keys.js'

/** Returns the keys and commands of a domain's queues, as `RedisHealth` wants them. `work`: tasks are taken from there. */
export function queueNeeds(
  prefix: string,
  domain: string,
  { taskLists = ['any'], work = false }: { taskLists?: readonly string[]; work?: boolean } = {},
): RedisNeeds {
  const queues = taskLists.map(taskList => `${queueKey(prefix, domain, taskList)}:probe`)
  return { keys: [`${domainKey(prefix, domain)}:probe`, ...queues], commands: work ? [...OURS, ...BULLMQS] : OURS }
}

const OURS = [
  ...['INFO', 'TIME', 'SCRIPT LOAD x', 'EVAL x 1 KEY', 'EVALSHA x 1 KEY', 'SETRANGE KEY 0 x'],
  ...['GET KEY', 'SET KEY v', 'DEL KEY', 'EXISTS KEY', 'PEXPIRE KEY 1'],
  ...['HGET KEY f', 'HMGET KEY f', 'HGETALL KEY', 'HSET KEY f v', 'HSETNX KEY f v', 'HDEL KEY f'],
  ...['HINCRBY KEY f 1', 'HINCRBYFLOAT KEY f 1', 'LPUSH KEY v', 'LRANGE KEY 0 1', 'LTRIM KEY 0 1'],
  ...['ZADD KEY 1 m', 'ZREM KEY m', 'ZCARD KEY', 'ZCOUNT KEY 0 1', 'ZRANGE KEY 0 1', 'ZRANGEBYSCORE KEY 0 1'],
  ...['ZRANK KEY m', 'ZREMRANGEBYSCORE KEY 0 1', 'ZSCORE KEY m'],
]

/** Of those scripts of BullMQ that take and add jobs. */
const BULLMQS = [
  ...['HEXISTS KEY f', 'HMSET KEY f v', 'INCR KEY', 'PTTL KEY'],
  ...['LLEN KEY', 'LREM KEY 0 v', 'RPOPLPUSH KEY KEY', 'SADD KEY m', 'SCARD KEY', 'SREM KEY m'],
  ...['XADD KEY * f v', 'XTRIM KEY MAXLEN 1', 'BZPOPMIN KEY 1', 'ZPOPMIN KEY', 'ZREMRANGEBYRANK KEY 0 1'],
  ...['ZREVRANGE KEY 0 1', 'ZREVRANGEBYSCORE KEY 1 0'],
]

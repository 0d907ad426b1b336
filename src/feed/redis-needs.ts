// What whoever reads and writes the feed does in Redis.

import type { RedisNeeds } from '../redis-health.js'
import { feedKeys } from './stream.js'

/** Returns the keys and commands of a domain's feed, as `RedisHealth` wants them. */
export function feedNeeds(prefix: string, domain: string): RedisNeeds {
  return { keys: [feedKeys(prefix, domain).probe], commands: COMMANDS }
}

const COMMANDS = [
  ...['INFO', 'TIME', 'EVAL x 1 KEY', 'EVALSHA x 1 KEY', 'SETRANGE KEY 0 x', 'EXISTS KEY', 'PEXPIRE KEY 1'],
  ...['HGET KEY f', 'HMGET KEY f', 'HSET KEY f v', 'HDEL KEY f', 'HEXISTS KEY f'],
  ...['ZADD KEY 1 m', 'ZREM KEY m', 'ZCARD KEY', 'ZSCAN KEY 0', 'ZRANGEBYSCORE KEY 0 1'],
  ...['RPUSH KEY v', 'LRANGE KEY 0 1', 'LTRIM KEY 0 1'],
  ...['XADD KEY * f v', 'XRANGE KEY - +', 'XREVRANGE KEY + -', 'XREAD STREAMS KEY 0'],
]

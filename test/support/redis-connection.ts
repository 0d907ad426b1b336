import { loadScripts } from '../../src/queues/script.js'
import { closeRedis, connectRedis, redisReady, type Redis } from '../../src/redis.js'
import { createLog } from '../../src/telemetry.js'
import { afterFile } from './dispose.js'

/** Opens a connection with the scripts of the queues, as gateways and workers have one; closed after this test file. */
export async function connected(url: string): Promise<Redis> {
  const redis = connectRedis({ url, name: 'test', log: createLog('test', 'silent') })
  afterFile(() => closeRedis(redis))
  loadScripts(redis)
  await redisReady(redis)
  return redis
}

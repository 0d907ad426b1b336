// An activity worker in this process, for faults that do not kill.

import { createSwfClient, type SwfClient } from '../../../src/swf/client.js'
import { createLog, createMetrics } from '../../../src/telemetry.js'
import { ActivityWorker } from '../../../src/workers/activity/activity-worker.js'
import { implement } from '../../../src/workers/definitions.js'
import { defineActivity } from '../../../src/workflow/index.js'
import { afterFile } from '../../support/dispose.js'
import { handlerOf } from './handler.mjs'
import type { Scene, WorkerOptions } from './scene.js'

export interface Watch {
  /** A heartbeat goes to SWF. */
  onBeat?: (details: string | undefined) => void
}

/** Starts a worker on a scene's task list, stopped after the file at the latest. */
export async function inProcess(
  scene: Scene,
  { redis = scene.redis, prefetch = 0, concurrency = 10 }: WorkerOptions = {},
  { onBeat }: Watch = {},
): Promise<ActivityWorker> {
  const client = createSwfClient({ transport: 'http', endpoint: scene.local.endpoint })
  const heard: Partial<SwfClient> = {
    recordActivityTaskHeartbeat: (input, how) => {
      onBeat?.(input.details)
      return client.recordActivityTaskHeartbeat(input, how)
    },
  }
  const swf = new Proxy(client, { get: (target, name) => Reflect.get(name in heard ? heard : target, name) as unknown })
  const { taskList, heartbeat } = scene
  const worker = new ActivityWorker({
    ...{ swf, redis: { url: redis }, prefix: scene.prefix, domain: scene.domain },
    handlers: [
      implement(defineActivity<unknown, unknown>('Work', '1', { taskList, heartbeat }), handlerOf(scene.ledger)),
    ],
    log: createLog('worker', process.env.TEST_LOG ?? 'silent'),
    metrics: createMetrics('worker'),
    ...{ concurrency, queues: { [taskList]: { prefetch } }, pollers: 4, drain: 2_000, grace: 200 },
  })
  await worker.start()
  afterFile(async () => {
    await worker.stop()
    client.close()
  })
  return worker
}

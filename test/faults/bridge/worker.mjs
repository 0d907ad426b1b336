// An activity worker as a process of its own, for tests to kill: node worker.mjs '{"endpoint":…}'. Runs from a build, `dist`.
//
// Its failpoint stands in SWF's client, where no product code is: `dieAtPoll` is after how many polls that brought a task this
// process is gone, before anybody in it has heard of the task.

import { handlerOf } from './handler.mjs'

const { dist, endpoint, redis, prefix, domain, ledger, taskLists, heartbeat, dieAtPoll, level, ...options } =
  JSON.parse(process.argv[2])
const load = path => import(`${dist}/${path}.js`)
const { createSwfClient } = await load('swf/client')
const { createLog, createMetrics } = await load('telemetry')
const { ActivityWorker } = await load('workers/activity/activity-worker')
const { implement } = await load('workers/definitions')
const { defineActivity } = await load('workflow/definition')

const swf = createSwfClient({ transport: 'http', endpoint })
if (dieAtPoll !== undefined) {
  const { pollForActivityTask } = swf
  let tasks = 0
  swf.pollForActivityTask = async (...args) => {
    const answer = await pollForActivityTask(...args)
    if (answer.taskToken && ++tasks >= dieAtPoll) process.kill(process.pid, 'SIGKILL')
    return answer
  }
}

const worker = new ActivityWorker({
  swf,
  redis: { url: redis },
  prefix,
  domain,
  handlers: taskLists.map(taskList =>
    implement(defineActivity('Work', '1', { heartbeat, taskList }), handlerOf(ledger)),
  ),
  log: createLog('worker', level),
  metrics: createMetrics('worker'),
  ...options,
})
process.on('SIGTERM', async () => {
  await worker.stop()
  process.exit(0)
})
await worker.start()

// A decider or an activity worker, in a process of its own: tells when SWF has accepted each of its answers.
//
// The workflow is a saga of three steps, so that every decision changes what subscribers see.

const { Publisher } = await import('../../../dist/feed/publisher.js')
const { Tail } = await import('../../../dist/feed/tail.js')
const { Queues } = await import('../../../dist/queues/queue.js')
const { connectRedis, redisReady } = await import('../../../dist/redis.js')
const { createSwfClient } = await import('../../../dist/swf/client.js')
const { createLog, createMetrics } = await import('../../../dist/telemetry.js')
const { ActivityWorker } = await import('../../../dist/workers/activity/activity-worker.js')
const { FeedAnnouncer } = await import('../../../dist/workers/decider/announcer.js')
const { Decider } = await import('../../../dist/workers/decider/decider.js')
const { implement } = await import('../../../dist/workers/definitions.js')
const { registerApp } = await import('../../../dist/workers/register-app.js')
const { defineActivity, defineWorkflow, saga } = await import('../../../dist/workflow/index.js')

const { role, endpoint, redis: url, domain } = JSON.parse(process.argv[2])
const log = createLog(role)
const metrics = createMetrics(role)
const now = () => performance.timeOrigin + performance.now()

const step = defineActivity('Step', '1', { startToClose: '30s' })
const workflows = [
  defineWorkflow('Steps', '1', {}, async input =>
    saga(input)
      .step('one', step, { input: () => 1 })
      .step('two', step, { input: () => 2 })
      .step('three', step, { input: () => 3 })
      .run(),
  ),
]
const handlers = [implement(step, async n => n)]

/** SWF, and who is told which execution an accepted answer was about. */
function watched(swf, poll, respond) {
  const tasks = new Map()
  const noted = {
    async [poll](input, how) {
      const task = await swf[poll](input, how)
      if (task.taskToken) tasks.set(task.taskToken, task.workflowExecution.workflowId)
      return task
    },
    async [respond](input, how) {
      const answer = await swf[respond](input, how)
      process.send({ workflowId: tasks.get(input.taskToken), at: now() })
      tasks.delete(input.taskToken)
      return answer
    },
  }
  return new Proxy(swf, { get: (target, name) => Reflect.get(name in noted ? noted : target, name) })
}

const swf = createSwfClient({ transport: 'http', endpoint })
await registerApp(swf, domain, { workflows, handlers }, 1)
if (role === 'decider') {
  const redis = connectRedis({ url, name: 'bench', log })
  await redisReady(redis)
  const publisher = new Publisher({ redis, swf, log })
  const tail = new Tail({ swf, publisher, redis, log })
  const announcer = new FeedAnnouncer({ publisher, tail, queues: new Queues({ redis, log }), domain, log })
  const seen = watched(swf, 'pollForDecisionTask', 'respondDecisionTaskCompleted')
  await new Decider({ swf: seen, announcer, domain, workflows, log, metrics }).start()
} else {
  const seen = watched(swf, 'pollForActivityTask', 'respondActivityTaskCompleted')
  await new ActivityWorker({ swf: seen, redis: { url }, domain, handlers, log, metrics }).start()
}
process.on('disconnect', () => process.exit())
process.send(0)

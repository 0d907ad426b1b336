// The gateway that is measured, in a process of its own, without the hooks that let benchmarks import TypeScript: they cost it
// time. Says its port, then what it has used when it is asked. BUILD names another build.

import { usage } from './usage.mjs'

const build = new URL(process.env.BUILD ? `file://${process.env.BUILD}/` : '../../../dist/', import.meta.url)
const { Gateway } = await import(new URL('graphql/server.js', build))
const { createSwfClient } = await import(new URL('swf/client.js', build))
const { createLog, createMetrics } = await import(new URL('telemetry.js', build))

const { endpoint, redis, domain } = JSON.parse(process.argv[2])
const gateway = new Gateway({
  host: '127.0.0.1',
  port: 0,
  domain,
  swf: createSwfClient({ transport: 'http', endpoint }),
  redis: { url: redis },
  log: createLog('gateway'),
  metrics: createMetrics('gateway'),
})
await gateway.start()
process.on('message', () => process.send(usage()))
process.on('disconnect', () => process.exit())
process.send(gateway.port)

// The programs of docs/subscriptions.md, run as they stand there: they are killed, their network breaks, and the stream is lost.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildSchema, parse, validate } from 'graphql'
import { expect, test } from 'vitest'
import { FeedStream, feedKeys } from '../../src/feed/stream.js'
import { startTimer } from '../../src/swf/decision.js'
import { register } from '../../src/swf/registration.js'
import { entriesOf } from '../feed/redis.js'
import { afterFile } from '../support/dispose.js'
import { connected } from '../support/redis-connection.js'
import { tcpProxy } from '../support/tcp-proxy.js'
import { tmpDir } from '../support/tmp.js'
import { until } from '../support/until.js'
import { DOMAIN, startStack, TASK_LIST } from './fixture.js'

const guide = readFileSync('docs/subscriptions.md', 'utf8')
const blocks = (language: string) =>
  [...guide.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(match => match[1]!)

test('every block of GraphQL is of the schema', () => {
  const schema = buildSchema(readFileSync('src/graphql/schema.graphql', 'utf8'))
  expect(blocks('graphql')).toHaveLength(2)
  for (const text of blocks('graphql')) expect(validate(schema, parse(text))).toEqual([])
})

const stack = await startStack()
const { ask, decider, gateway, redis, swf } = stack
const ORDER = { name: 'OrderSaga', version: '1.0', defaultTaskList: { name: TASK_LIST } } as const
await register(swf, {
  domain: DOMAIN,
  workflowTypes: [
    {
      ...ORDER,
      ...{ defaultTaskStartToCloseTimeout: '60', defaultExecutionStartToCloseTimeout: '3600' },
      defaultChildPolicy: 'TERMINATE',
    },
  ],
  activityTypes: [],
})
const stream = new FeedStream(await connected(redis.url), redis.prefix)
const network = await tcpProxy(() => gateway.port)

const start = async (workflowId: string) => {
  await ask('mutation ($input: StartExecutionInput!) { startExecution(input: $input) { created } }', {
    input: { workflowId, type: ORDER.name },
  })
  await decider.decide([startTimer({ timerId: 't', startToFireTimeout: '3600' })])
}
const terminate = (workflowId: string) =>
  ask('mutation ($e: ExecutionRef!) { terminateExecution(input: { execution: $e }) { execution { status } } }', {
    e: { workflowId },
  })
/** What the stream holds, as the programs print it. */
const updates = async () =>
  (await entriesOf(stream, DOMAIN)).flatMap(entry =>
    entry.kind === 'changed' ? [`${entry.summary.workflowId} ${entry.summary.status}`] : [],
  )

/** A program in a folder of its own, where it finds the packages. */
function program(name: string, text: string, command: string) {
  const cwd = tmpDir('guide')
  writeFileSync(join(cwd, name), text)
  symlinkSync(join(process.cwd(), 'node_modules'), join(cwd, 'node_modules'))
  let child: ChildProcess | undefined
  let output = ''
  const kill = async () => {
    if (!child) return
    const ended = new Promise(resolve => child!.once('close', resolve))
    // With what it has started.
    process.kill(-child.pid!, 'SIGKILL')
    await ended
    child = undefined
  }
  afterFile(kill)
  return {
    cwd,
    kill,
    run() {
      const env = { ...process.env, GATEWAY: `http://127.0.0.1:${network.port}` }
      child = spawn(command, [name], { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
      for (const stream of [child.stdout!, child.stderr!]) stream.on('data', data => (output += data))
    },
    lines: () => output.split('\n').filter(Boolean),
    shows: (line: string | RegExp) =>
      until(() => output.split('\n').some(one => (typeof line === 'string' ? one === line : line.test(one))), {
        what: `${name} prints ${line}, not only\n${output}`,
      }),
  }
}

test('the program misses nothing while it is killed and its network breaks; where it must, it lists again', async () => {
  const [text] = blocks('js')
  const { cwd, kill, lines, run, shows } = program('follow.mjs', text!, process.execPath)
  const file = () => JSON.parse(readFileSync(join(cwd, 'orders.json'), 'utf8')) as { orders: Record<string, object> }
  await start('p-1')
  const listed = (await updates()).length
  run()
  await until(() => Object.keys(file().orders).length === 1, { what: 'it has listed' })
  await start('p-2')
  await shows('p-2 OPEN')
  network.cut(true)
  await terminate('p-1')
  network.cut(false)
  await shows('p-1 TERMINATED')
  await kill()
  await start('p-3')
  await terminate('p-2')
  run()
  await shows('p-2 TERMINATED')
  expect(lines()).toEqual((await updates()).slice(listed))

  await kill()
  await terminate('p-3')
  await (await connected(redis.url)).del(feedKeys(redis.prefix, DOMAIN).stream)
  run()
  await shows(/CURSOR_LOST|FEED_LOST/)
  await until(() => Object.values(file().orders).every(order => 'status' in order && order.status === 'TERMINATED'), {
    what: 'it has listed again',
  })
  await start('p-4')
  await shows('p-4 OPEN')
  // It prints before it writes.
  await until(() => Object.keys(file().orders).length === 4, { what: 'the last one is kept' })
  expect(
    Object.values(file().orders)
      .map(order => Object.values(order).join(' '))
      .sort(),
  ).toEqual(['p-1 TERMINATED', 'p-2 TERMINATED', 'p-3 TERMINATED', 'p-4 OPEN'])
  await kill()
})

test('so does the script with curl', async context => {
  if (spawnSync('curl', ['--version']).error && !process.env.CI) return context.skip()
  const [text] = blocks('bash')
  const { kill, lines, run, shows, cwd } = program('follow.sh', text!, 'bash')
  run()
  await until(() => readFileSync(join(cwd, 'cursor'), 'utf8').length > 1, { what: 'it has listed' })
  await start('s-1')
  await shows(/s-1","status":"OPEN/)
  network.cut(true)
  await terminate('s-1')
  network.cut(false)
  await shows(/s-1","status":"TERMINATED/)
  await kill()
  await start('s-2')
  run()
  await shows(/s-2","status":"OPEN/)
  // What comes first over the next connection has no id: the place is still that of the update before.
  network.cut(true)
  network.cut(false)
  await ask(
    'mutation ($e: ExecutionRef!) { signalExecution(input: { execution: $e, signalName: "s" }) { __typename } }',
    {
      e: { workflowId: 's-2' },
    },
  )
  await decider.decide([], { stuck: { since: 1, reason: 'TypeError' } })
  await shows('{"data":{"executionUpdates":{}}}')
  network.cut(true)
  await terminate('s-2')
  network.cut(false)
  await shows(/s-2","status":"TERMINATED/)
  const printed = lines().flatMap(line => {
    const { executionUpdates } = (JSON.parse(line) as { data: { executionUpdates: Record<string, string> } }).data
    return executionUpdates.workflowId ? [`${executionUpdates.workflowId} ${executionUpdates.status}`] : []
  })
  expect(printed.slice(-4)).toEqual(['s-1 OPEN', 's-1 TERMINATED', 's-2 OPEN', 's-2 TERMINATED'])
  // A list may be a little ahead of its cursor.
  expect(printed).toEqual((await updates()).slice(-printed.length))
  await kill()
})

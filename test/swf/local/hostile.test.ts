// What hostile and broken clients send: every request is answered with 200 or 400, and what was accepted reads back as it was.

import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import * as sdk from '@aws-sdk/client-swf'
import { describe, expect, test } from 'vitest'
import { createLocalSwf } from '../../../src/swf/local/index.js'
import { afterFile } from '../../support/dispose.js'
import { checkHistory } from '../../support/history-checker.js'
import { tmpDir } from '../../support/tmp.js'
import { until } from '../../support/until.js'
import { DOMAIN, decide, unique, workflowType } from './fixture.js'
import { registerAll } from './load.js'
import { MISFITS, NAUGHTY } from './naughty.js'
import type { Answer } from './wire.js'
import { Wire } from './wire.js'

const server = await createLocalSwf({ pollTimeout: 1 })
const wire = new Wire(server.endpoint)
afterFile(async () => {
  await wire.close()
  await server.close()
})

/** The code of a proper answer: OK, or the fault. Anything else is a failure of the server. */
function codeOf(answer: Answer, what: string): string {
  if (answer.status === 200) return 'OK'
  const { __type, message } = (answer.body ?? {}) as { __type?: string; message?: unknown }
  expect(answer.status, `${what}: ${JSON.stringify(answer.body)?.slice(0, 500)}`).toBe(400)
  expect(__type, what).toMatch(/^com\.[a-z.]+#[A-Za-z]+$/)
  expect(__type, what).not.toContain('Internal')
  expect(typeof message, what).toBe('string')
  return __type!.split('#')[1]!
}

// The SDK's runtime schemas. An operation: [9, namespace, name, traits, input]; a structure: [3, namespace, name, traits,
// members, types]; a list: [1, namespace, name, traits, item]; 0 is a text. Types may be functions that return them.
type Schema = number | readonly unknown[] | (() => Schema)
const LIST_OF_TEXTS = 64
const resolve = (schema: Schema): Exclude<Schema, () => Schema> =>
  typeof schema === 'function' ? (resolve(schema()) as never) : Array.isArray(schema) && schema[0] === 0 ? 0 : schema

type Path = readonly (string | 0)[]

/** The paths of all members of an input; of texts alone, or of everything. */
function* paths(given: Schema, all: boolean, at: Path = []): Generator<Path> {
  const schema = resolve(given)
  if (typeof schema === 'number') {
    if (schema === LIST_OF_TEXTS) {
      if (all) yield at
      yield [...at, 0]
    } else if (all || schema === 0) yield at
    return
  }
  if (all && at.length > 0) yield at
  if (schema[0] === 1) yield* paths(schema[4] as Schema, all, [...at, 0])
  if (schema[0] !== 3) return
  const [, , , , names, types] = schema as unknown as [0, 0, 0, 0, string[], Schema[]]
  for (const [i, name] of names.entries()) yield* paths(types[i]!, all, [...at, name])
}

const OPERATIONS = Object.values(sdk as unknown as Record<string, readonly unknown[]>)
  .filter(value => Array.isArray(value) && value[0] === 9)
  .map(([, , name, , input]) => ({ action: name as string, input: input as Schema }))

/** Returns JSON in which the member at a path is the given JSON, and all others are missing but those on the way. */
function withMember(path: Path, json: string, others: Record<string, unknown>): string {
  const [first, ...rest] = path
  if (first === undefined) return json
  if (first === 0) return `[${withMember(rest, json, {})}]`
  const beside: Record<string, unknown> = first.endsWith('DecisionAttributes')
    ? { decisionType: `${first[0]!.toUpperCase()}${first.slice(1, -'DecisionAttributes'.length)}` }
    : {}
  const members = Object.entries({ ...others, ...beside })
    .filter(([name]) => name !== first)
    .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)},`)
  return `{${members.join('')}${JSON.stringify(first)}:${withMember(rest, json, {})}}`
}

/** Sends requests, some at a time. */
async function flood(requests: Iterable<() => Promise<void>>): Promise<void> {
  const next = requests[Symbol.iterator]()
  const client = async () => {
    for (let request = next.next(); !request.done; request = next.next()) await request.value()
  }
  await Promise.all(Array.from({ length: 32 }, client))
}

/** A third of them: each member gets another third than its neighbours. */
const third = <T>(all: readonly T[], of: number) => all.filter((_, n) => (n + of) % 3 === 0)

describe('values', () => {
  test('the schemas name every action and the texts of every decision', () => {
    expect(OPERATIONS).toHaveLength(39)
    const texts = OPERATIONS.map(({ input }) => [...paths(input, false)].length)
    expect(texts.reduce((a, b) => a + b)).toBeGreaterThan(150)
    const respond = OPERATIONS.find(({ action }) => action === 'RespondDecisionTaskCompleted')!
    const decisions = new Set([...paths(respond.input, true)].filter(path => path.length === 3).map(path => path[2]))
    expect(decisions.size).toBe(14)
  })

  test.each(OPERATIONS)('$action takes anything in any member, or refuses it', async ({ action, input }) => {
    function* requests() {
      const texts = [...paths(input, false)].map(
        (path, n) => [path, third(NAUGHTY, n).map(x => JSON.stringify(x))] as const,
      )
      const any = [[], ...paths(input, true)].map((path, n) => [path, third(MISFITS, n)] as const)
      for (const [path, values] of [...texts, ...any]) {
        for (const json of values) {
          yield async () => {
            const body = withMember(path, json, { domain: 'nowhere' })
            codeOf(await wire.send(action, body), `${action} ${path.join('.')} ${body.slice(0, 300)}`)
          }
        }
      }
    }
    await flood(requests())
  })

  test('forged tokens are refused, or name nothing', async () => {
    await registerAll(wire)
    const { runId } = await wire.call<{ runId: string }>('StartWorkflowExecution', {
      domain: DOMAIN,
      workflowId: 'forged',
      workflowType,
    })
    const places: unknown[] = [-1, 0, 2, 1e9, 'x', '', null, {}]
    const domain = { domain: DOMAIN }
    const inputs: [string, string, object][] = [
      ['history', 'GetWorkflowExecutionHistory', { ...domain, execution: { workflowId: 'forged', runId } }],
      ['decision', 'PollForDecisionTask', { ...domain, taskList: { name: 'l' } }],
      ['open', 'ListOpenWorkflowExecutions', { ...domain, startTimeFilter: { oldestDate: 0 } }],
      ['closed', 'ListClosedWorkflowExecutions', { ...domain, startTimeFilter: { oldestDate: 0 } }],
      ['domains', 'ListDomains', { registrationStatus: 'REGISTERED' }],
      ['ActivityType', 'ListActivityTypes', { ...domain, registrationStatus: 'REGISTERED' }],
      ['decision', 'RespondDecisionTaskCompleted', {}],
      ['activity', 'RespondActivityTaskCompleted', {}],
      ['activity', 'RecordActivityTaskHeartbeat', {}],
    ]
    function* requests() {
      for (const [list, action, input] of inputs) {
        for (const a of [9e15, -1, 'x', null]) {
          for (const b of places) {
            for (const made of [[list, a, b], [list, a, b, b], [list, runId, a, b], [list], { list }, 'x']) {
              const token = Buffer.from(JSON.stringify(made)).toString('base64url')
              const reverseOrder = b === 0
              const body = JSON.stringify({ ...input, reverseOrder, nextPageToken: token, taskToken: token })
              yield async () => void codeOf(await wire.send(action, body), `${action} ${JSON.stringify(made)}`)
            }
          }
        }
      }
    }
    await flood(requests())
  })

  test('100,000 nested lists, members called __proto__ and constructor, and a thousand members are ignored', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const many = Array.from({ length: 1_000 }, (_, n) => `"m${n}":${n}`).join(',')
    for (const odd of [
      `"x":${deep}`,
      '"__proto__":{"registrationStatus":"X"}',
      '"constructor":{"prototype":{}}',
      many,
    ]) {
      expect(
        codeOf(await wire.send('ListDomains', `{"registrationStatus":"REGISTERED",${odd}}`), odd.slice(0, 20)),
      ).toBe('OK')
    }
    expect(codeOf(await wire.send('ListDomains', '{"__proto__":{"registrationStatus":"REGISTERED"}}'), '')).toBe(
      'ValidationException',
    )
    expect(codeOf(await wire.send('ListDomains', deep), 'deep')).toBe('SerializationException')
    expect(codeOf(await wire.send('ListDomains', '['.repeat(100_000)), 'deep')).toBe('SerializationException')
  })

  test('UTF-8 is read as it is: bytes that are none, a byte order mark and UTF-16 are refused', async () => {
    const body = (bytes: Uint8Array) =>
      Buffer.concat([Buffer.from('{"registrationStatus":"REGISTERED","x":"'), bytes, Buffer.from('"}')])
    for (const bytes of [
      [0xff],
      [0xc3],
      [0xc0, 0x80],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0x80],
      [0xe2, 0x82],
    ]) {
      expect(codeOf(await wire.send('ListDomains', body(Buffer.from(bytes))), String(bytes))).toBe(
        'SerializationException',
      )
    }
    expect(codeOf(await wire.send('ListDomains', body(Buffer.from('€😀'))), 'good')).toBe('OK')
    const list = '{"registrationStatus":"REGISTERED"}'
    for (const bytes of [
      Buffer.from(`\ufeff${list}`),
      Buffer.from(list, 'utf16le'),
      Buffer.from(`\ufeff${list}`, 'utf16le'),
    ]) {
      expect(codeOf(await wire.send('ListDomains', bytes), 'marked')).toBe('SerializationException')
    }
  })
})

/** Whether an action takes a text in a member: what it says of a domain or a token that is not there tells. */
async function takes(action: string, path: Path, text: string): Promise<boolean> {
  const body = withMember(path, JSON.stringify(text), {})
  const { status, body: answer } = await wire.send(action, body)
  if (status === 200) return true
  const { message } = answer as { message: string }
  const named = path.map(part => (part === 0 ? '1.member' : part)).join('.')
  return !message.includes(`'${named}'`)
}

describe('accepted texts', () => {
  test('read back as they were: in histories, descriptions and lists, and from the store', async () => {
    const data = tmpDir('naughty')
    const first = await createLocalSwf({ data, pollTimeout: 1_000 })
    let swf = new Wire(first.endpoint)
    await registerAll(swf)
    const reads: [action: string, input: object][] = []
    const histories: { workflowId: string; runId: string; domain: string }[] = []

    const live = async (text: string, n: number) => {
      /** The text where it is taken, else one that is. */
      const fit = async (action: string, path: Path, otherwise: string | undefined) =>
        (await takes(action, path, text)) ? text : otherwise
      const decisionFit = (type: string, member: string, otherwise: string | undefined) =>
        fit('RespondDecisionTaskCompleted', ['decisions', 0, `${type}DecisionAttributes`, member], otherwise)
      const domain = (await fit('RegisterDomain', ['name'], undefined)) ?? `domain-${n}`
      const description = await fit('RegisterDomain', ['description'], undefined)
      const tags = [
        {
          key: (await fit('RegisterDomain', ['tags', 0, 'key'], undefined)) ?? 'k',
          value: await fit('RegisterDomain', ['tags', 0, 'value'], 'v'),
        },
      ]
      const days = { workflowExecutionRetentionPeriodInDays: '1' }
      await swf.call('RegisterDomain', { name: domain, description, tags, ...days })
      const described = await swf.call<{ domainInfo: { arn: string } }>('DescribeDomain', { name: domain })
      expect(described.domainInfo).toMatchObject(
        description === undefined ? { name: domain } : { name: domain, description },
      )
      const { arn: resourceArn } = described.domainInfo
      expect(await swf.call('ListTagsForResource', { resourceArn })).toEqual({ tags })

      const name = (await fit('RegisterWorkflowType', ['name'], undefined)) ?? 'Type'
      const version = (await fit('RegisterWorkflowType', ['version'], undefined)) ?? '1'
      const list = { name: (await fit('PollForActivityTask', ['taskList', 'name'], undefined)) ?? 'list' }
      const role = await fit('RegisterWorkflowType', ['defaultLambdaRole'], undefined)
      const type = { name, version }
      const common = { domain, ...type, description, defaultTaskList: list, defaultTaskStartToCloseTimeout: '300' }
      await swf.call('RegisterWorkflowType', {
        ...common,
        defaultExecutionStartToCloseTimeout: '3600',
        defaultChildPolicy: 'ABANDON',
        defaultLambdaRole: role,
      })
      await swf.call('RegisterActivityType', {
        ...common,
        defaultTaskScheduleToStartTimeout: 'NONE',
        defaultTaskScheduleToCloseTimeout: 'NONE',
        defaultTaskHeartbeatTimeout: 'NONE',
      })
      for (const [action, input] of [
        ['DescribeWorkflowType', { domain, workflowType: type }],
        ['DescribeActivityType', { domain, activityType: type }],
      ] as const) {
        const answer = await swf.call<{ configuration: object; typeInfo: object }>(action, input)
        expect(answer.configuration).toMatchObject({ defaultTaskList: list })
        expect(JSON.stringify(answer.typeInfo)).toContain(JSON.stringify(type))
        reads.push([action, input])
      }

      const workflowId = (await fit('StartWorkflowExecution', ['workflowId'], undefined)) ?? 'w'
      const data32k = await fit('StartWorkflowExecution', ['input'], undefined)
      const tag = (await fit('StartWorkflowExecution', ['tagList', 0], undefined)) ?? 'tag'
      const identity = await fit('PollForDecisionTask', ['identity'], undefined)
      const signalName = (await fit('SignalWorkflowExecution', ['signalName'], undefined)) ?? 's'
      const reason = await fit('TerminateWorkflowExecution', ['reason'], undefined)
      const limited = await fit('RecordActivityTaskHeartbeat', ['details'], undefined)

      const startOne = async (id: string) => {
        const input = { domain, workflowId: id, workflowType: type, taskList: list, input: data32k, tagList: [tag] }
        const { runId } = await swf.call<{ runId: string }>('StartWorkflowExecution', input)
        histories.push({ domain, workflowId: id, runId })
        return { workflowId: id, runId }
      }
      const decideOne = async (...decisions: object[]) => {
        const { taskToken } = await swf.call<{ taskToken: string }>('PollForDecisionTask', {
          domain,
          taskList: list,
          identity,
        })
        await swf.call('RespondDecisionTaskCompleted', { taskToken, executionContext: data32k, decisions })
      }
      const decision = (type: string, attributes: object) => ({
        decisionType: `${type[0]!.toUpperCase()}${type.slice(1)}`,
        [`${type}DecisionAttributes`]: attributes,
      })

      const run = await startOne(workflowId)
      await swf.call('SignalWorkflowExecution', { domain, ...run, signalName, input: data32k })
      const activityId = (await decisionFit('scheduleActivityTask', 'activityId', undefined)) ?? 'a'
      const id = (await decisionFit('scheduleLambdaFunction', 'id', undefined)) ?? 'l'
      const lambda = (await decisionFit('scheduleLambdaFunction', 'name', undefined)) ?? 'f'
      const batch: Record<string, object> = {
        scheduleActivityTask: { activityType: type, activityId, control: data32k, input: data32k, taskList: list },
        startTimer: { timerId: activityId, control: data32k, startToFireTimeout: '1000' },
        recordMarker: { markerName: signalName, details: data32k },
        signalExternalWorkflowExecution: { workflowId, signalName, input: data32k, control: data32k },
        requestCancelExternalWorkflowExecution: { workflowId, control: data32k },
        startChildWorkflowExecution: {
          workflowId,
          workflowType: type,
          control: data32k,
          input: data32k,
          tagList: [tag],
        },
        scheduleLambdaFunction: { id, name: lambda, control: data32k, input: data32k },
      }
      await decideOne(...Object.entries(batch).map(([type, attributes]) => decision(type, attributes)))
      const { taskToken } = await swf.call<{ taskToken: string }>('PollForActivityTask', {
        domain,
        taskList: list,
        identity,
      })
      await swf.call('RecordActivityTaskHeartbeat', { taskToken, details: limited })
      await swf.call('RespondActivityTaskFailed', { taskToken, reason, details: data32k })

      const events = await swf.history(domain, run)
      expect(checkHistory(events)).toEqual([])
      const expectEvent = (eventType: string, attributes: object) => {
        const member = `${eventType[0]!.toLowerCase()}${eventType.slice(1)}EventAttributes`
        const found = events.find(event => event.eventType === eventType)?.[member]
        expect(found, eventType).toMatchObject(JSON.parse(JSON.stringify(attributes)) as object)
      }
      expectEvent('WorkflowExecutionStarted', {
        input: data32k,
        tagList: [tag],
        taskList: list,
        workflowType: type,
        lambdaRole: role,
      })
      expectEvent('WorkflowExecutionSignaled', { signalName, input: data32k })
      expectEvent('DecisionTaskStarted', { identity })
      expectEvent('DecisionTaskCompleted', { executionContext: data32k })
      expectEvent('ActivityTaskScheduled', batch.scheduleActivityTask!)
      expectEvent('TimerStarted', batch.startTimer!)
      expectEvent('MarkerRecorded', batch.recordMarker!)
      expectEvent('SignalExternalWorkflowExecutionInitiated', batch.signalExternalWorkflowExecution!)
      expectEvent('RequestCancelExternalWorkflowExecutionInitiated', batch.requestCancelExternalWorkflowExecution!)
      expectEvent('StartChildWorkflowExecutionInitiated', batch.startChildWorkflowExecution!)
      expectEvent('LambdaFunctionScheduled', batch.scheduleLambdaFunction!)
      expectEvent('ActivityTaskStarted', { identity })
      expectEvent('ActivityTaskFailed', { reason, details: data32k })

      const all = { domain, startTimeFilter: { oldestDate: 0 } }
      const listed = async (action: string, filter: object) =>
        (await swf.call<{ executionInfos: { execution: object; tagList: string[] }[] }>(action, { ...all, ...filter }))
          .executionInfos
      for (const filter of [{ executionFilter: { workflowId } }, { typeFilter: type }, { tagFilter: { tag } }]) {
        expect(await listed('ListOpenWorkflowExecutions', filter)).toMatchObject([{ execution: run, tagList: [tag] }])
      }
      await decideOne(decision('cancelTimer', { timerId: activityId }))
      // Two runs that are closed: found by the same filters.
      await swf.call('TerminateWorkflowExecution', { domain, workflowId, reason, details: data32k })
      const next = await startOne(workflowId)
      await decideOne(decision('failWorkflowExecution', { reason, details: data32k }))
      for (const filter of [{ executionFilter: { workflowId } }, { typeFilter: type }, { tagFilter: { tag } }]) {
        expect(await listed('ListClosedWorkflowExecutions', filter)).toMatchObject([
          { execution: next, tagList: [tag] },
          { execution: run, tagList: [tag] },
        ])
        reads.push(['ListClosedWorkflowExecutions', { ...all, ...filter }])
        reads.push(['CountClosedWorkflowExecutions', { ...all, ...filter }])
      }
      const closing = (await swf.history(domain, next)).at(-1)!
      expect(closing.workflowExecutionFailedEventAttributes).toMatchObject(
        JSON.parse(JSON.stringify({ reason, details: data32k })) as object,
      )
      // One that stays open.
      await startOne(workflowId)
      reads.push(['ListOpenWorkflowExecutions', all])
      reads.push(['DescribeDomain', { name: domain }], ['ListTagsForResource', { resourceArn }])
    }
    const waiting = [...new Set(NAUGHTY)].map((text, n) => () => live(text, n))
    await flood(waiting)

    const seen = async () => ({
      reads: await Promise.all(reads.map(([action, input]) => swf.call(action, input))),
      histories: await Promise.all(histories.map(({ domain, ...execution }) => swf.history(domain, execution))),
      described: await Promise.all(
        histories.map(({ domain, ...execution }) => swf.call('DescribeWorkflowExecution', { domain, execution })),
      ),
    })
    const before = await seen()
    expect(before.histories.length).toBeGreaterThan(150)
    await swf.close()
    await first.close()
    const second = await createLocalSwf({ data })
    swf = new Wire(second.endpoint)
    afterFile(async () => {
      await swf.close()
      await second.close()
    })
    expect(await seen()).toEqual(before)
  })

  test('the last heartbeat outlives the server', async () => {
    const texts = ['x\u0000y', '\ud83d', '"', '\u2028', '']
    const data = tmpDir('beat')
    const first = await createLocalSwf({ data })
    let swf = new Wire(first.endpoint)
    await registerAll(swf)
    const execution = {
      workflowId: 'w',
      ...(await swf.call<{ runId: string }>('StartWorkflowExecution', {
        domain: DOMAIN,
        workflowId: 'w',
        workflowType,
      })),
    }
    const { taskToken } = await swf.call<{ taskToken: string }>('PollForDecisionTask', {
      domain: DOMAIN,
      taskList: { name: 'orders' },
    })
    const decisions = texts.map((_, n) => decide.schedule(`a${n}`, { heartbeatTimeout: '1' }))
    await swf.call('RespondDecisionTaskCompleted', { taskToken, decisions })
    for (const details of texts) {
      const task = await swf.call<{ taskToken: string }>('PollForActivityTask', {
        domain: DOMAIN,
        taskList: { name: 'charges' },
      })
      await swf.call('RecordActivityTaskHeartbeat', { taskToken: task.taskToken, details })
    }
    await swf.close()
    await first.close()
    const second = await createLocalSwf({ data })
    swf = new Wire(second.endpoint)
    afterFile(async () => {
      await swf.close()
      await second.close()
    })
    const timedOut = await until(
      async () => {
        const found = (await swf.history(DOMAIN, execution)).filter(x => x.eventType === 'ActivityTaskTimedOut')
        return found.length === texts.length && found
      },
      { what: 'the heartbeats are missed' },
    )
    expect(timedOut.map(event => event.activityTaskTimedOutEventAttributes)).toMatchObject(
      texts.map(details => ({ timeoutType: 'HEARTBEAT', details })),
    )
  })
})

// Bytes.

const LIST = '{"registrationStatus":"REGISTERED"}'
const head = (action: string, more: string) =>
  `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Target: SimpleWorkflowService.${action}\r\n${more}\r\n`
const whole = (action: string, body: string) =>
  `${head(action, `Content-Length: ${Buffer.byteLength(body)}\r\n`)}${body}`

/** A connection, what came back on it, and whether the server has closed it. */
class Connection {
  readonly socket: Socket
  answer = ''
  closed = false
  constructor(port = server.port) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    this.socket.setEncoding('utf8').on('data', (text: string) => (this.answer += text))
    this.socket.on('error', () => {})
    this.socket.on('end', () => (this.closed = true))
    this.socket.on('close', () => (this.closed = true))
    afterFile(() => this.socket.destroy())
  }
  send(bytes: string | Buffer): this {
    this.socket.write(bytes)
    return this
  }
  /** How many whole answers have come, by status. */
  get statuses(): string[] {
    return [...this.answer.matchAll(/HTTP\/1\.1 (\d+)/g)]
      .map(([, status]) => status!)
      .filter(status => status !== '100')
  }
  async answered(n = 1): Promise<string[]> {
    await until(() => this.statuses.length >= n || this.closed, { what: `there are ${n} answers` })
    return this.statuses
  }
}

const stillServes = async () => expect((await wire.send('ListDomains', LIST)).status).toBe(200)

describe('requests', () => {
  test.each<[string, string, string]>([
    ['a GET', 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n', '400 UnknownOperationException'],
    ['a PUT', `PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}`, '400 UnknownOperationException'],
    ['OPTIONS', 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n', '400 UnknownOperationException'],
    ['TRACE', 'TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n', '400 UnknownOperationException'],
    ['CONNECT', 'CONNECT x:1 HTTP/1.1\r\nHost: localhost\r\n\r\n', '400 SerializationException'],
    ['no target', `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}`, '400 UnknownOperationException'],
    [
      'the target of another service',
      whole('X', LIST).replace('SimpleWorkflowService.X', 'DynamoDB_20120810.ListTables'),
      '400 UnknownOperationException',
    ],
    [
      'a target that ends like ours',
      whole('ListDomains', LIST).replace('Simple', 'VerySimple'),
      '400 UnknownOperationException',
    ],
    ['a target without an action', whole('', LIST), '400 UnknownOperationException'],
    [
      'two targets',
      whole('ListDomains', LIST).replace('Host: localhost', 'X-Amz-Target: SimpleWorkflowService.ListDomains'),
      '400 UnknownOperationException',
    ],
    ['an action with other letters', whole('listdomains', LIST), '400 UnknownOperationException'],
    [
      'the wrong content type',
      whole('ListDomains', LIST).replace('application/x-amz-json-1.0', 'text/plain'),
      '400 SerializationException',
    ],
    ['no content type', whole('ListDomains', LIST).replace(/Content-Type.*\r\n/, ''), '400 SerializationException'],
    [
      'a body that is compressed',
      whole('ListDomains', 'H4sIAAAA').replace('Host: localhost', 'Content-Encoding: gzip'),
      '400 SerializationException',
    ],
    [
      'an old SDK',
      whole('X', LIST)
        .replace('SimpleWorkflowService.X', 'com.amazonaws.swf.service.model.SimpleWorkflowService.ListDomains')
        .replace('application/x-amz-json-1.0', 'application/json; charset=UTF-8')
        .replace('Host: localhost', 'Content-Encoding: amz-1.0'),
      '200',
    ],
    ['an odd path', whole('ListDomains', LIST).replace('POST /', 'POST /../?a=%00'), '200'],
    ['no Host', whole('ListDomains', LIST).replace('Host: localhost\r\n', ''), '200'],
    ['HTTP/1.0', whole('ListDomains', LIST).replace('HTTP/1.1', 'HTTP/1.0'), '200'],
    [
      'an upgrade',
      whole('ListDomains', LIST).replace(
        'Host: localhost',
        'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x',
      ),
      '200',
    ],
    ['HTTP/2 at once', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '400 SerializationException'],
    ['Expect: 100-continue', whole('ListDomains', LIST).replace('Host: localhost', 'Expect: 100-continue'), '200'],
    [
      'an expectation that nobody knows',
      whole('ListDomains', LIST).replace('Host: localhost', 'Expect: miracles'),
      '200',
    ],
    [
      'two lengths',
      whole('ListDomains', LIST).replace('Host: localhost', 'Content-Length: 3'),
      '400 SerializationException',
    ],
    [
      'a length and chunks',
      whole('ListDomains', LIST).replace('Host: localhost', 'Transfer-Encoding: chunked'),
      '400 SerializationException',
    ],
    ['a length below zero', head('ListDomains', 'Content-Length: -1\r\n'), '400 SerializationException'],
    ['a length that is too short', head('ListDomains', 'Content-Length: 5\r\n') + LIST, '400 SerializationException'],
    [
      'chunks',
      `${head('ListDomains', 'Transfer-Encoding: chunked\r\n')}5\r\n${LIST.slice(0, 5)}\r\n${(LIST.length - 5).toString(16)}\r\n${LIST.slice(5)}\r\n0\r\n\r\n`,
      '200',
    ],
    [
      'chunks of a wrong size',
      `${head('ListDomains', 'Transfer-Encoding: chunked\r\n')}zz\r\n${LIST}\r\n0\r\n\r\n`,
      '400 SerializationException',
    ],
    ['a header of 100 KB', `GET / HTTP/1.1\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, '400 RequestEntityTooLargeException'],
    ['10,000 headers', `GET / HTTP/1.1\r\n${'X: x\r\n'.repeat(10_000)}\r\n`, '400 RequestEntityTooLargeException'],
    ['a header with U+0000', `GET / HTTP/1.1\r\nX: \u0000\r\n\r\n`, '400 SerializationException'],
    ['TLS', '\u0016\u0003\u0001\u0002\u0000\u0001', '400 SerializationException'],
    [
      'a control path that is none',
      'GET /_local/%ff%00/../x?domain=%ff HTTP/1.1\r\nHost: localhost\r\n\r\n',
      '400 UnknownOperationException',
    ],
    [
      'a history of nothing',
      'GET /_local/history?domain=%00&workflowId=%ff&runId=x HTTP/1.1\r\nHost: localhost\r\n\r\n',
      '400 UnknownResourceFault',
    ],
  ])('%s is answered', async (_what, bytes, expected) => {
    const connection = new Connection().send(bytes)
    const [status] = await connection.answered()
    await until(() => connection.answer.includes('}') || connection.closed, { what: 'the body has come' })
    const type = /"__type":"[\w.]+#(\w+)"/.exec(connection.answer)?.[1]
    expect([status, type].filter(Boolean).join(' ')).toBe(expected)
    await stillServes()
  })

  test.each(['/_local/faults', '/_local/clock', '/_local/history?domain=d'])(
    'POST %s takes anything, or refuses it',
    async path => {
      for (const json of [
        ...MISFITS,
        '{"kind":"x"}',
        '{"kind":"latency","latency":1e400,"rate":0}',
        '{"advance":{}}',
        '{"autoSkip":1}',
        '{"events":[{}],"execution":{}}',
        '{',
      ]) {
        const response = await fetch(`${server.endpoint}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: json,
        })
        const text = await response.text()
        codeOf(
          { status: response.status, body: text === '' ? undefined : JSON.parse(text) },
          `${path} ${json.slice(0, 100)}`,
        )
      }
      server.faults.clear()
    },
  )

  test('a virtual clock does not go where it would never arrive', async () => {
    const virtual = await createLocalSwf({ clock: 'virtual' })
    afterFile(() => virtual.close())
    for (const advance of ['9999999999s', '1e400s', '-1s', 1e15, 9e15, -5, null, {}, []]) {
      const response = await fetch(`${virtual.endpoint}/_local/clock`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ advance }),
      })
      expect(codeOf({ status: response.status, body: await response.json() }, String(advance))).toBe(
        'ValidationException',
      )
    }
  })

  test.each([0, 1])('a history with anything in any member is refused, or goes on (%i)', async onDisk => {
    const data = onDisk ? { data: tmpDir('imported') } : {}
    const first = await createLocalSwf({ ...data, pollTimeout: 1 })
    const swf = new Wire(first.endpoint)
    await registerAll(swf)
    const [domain, taskList, taskPriority] = [DOMAIN, { name: 'l' }, '3']
    const start = { domain, workflowId: 'w', workflowType, taskList, taskPriority, tagList: ['t'], input: 'i' }
    const { runId } = await swf.call<{ runId: string }>('StartWorkflowExecution', start)
    const { taskToken } = await swf.call<{ taskToken: string }>('PollForDecisionTask', { domain, taskList })
    const decisions = [
      decide.schedule('a', { taskList, taskPriority }),
      decide.schedule('b', { taskList, taskPriority }),
      decide.timer('t', '600'),
      decide.child('c', { taskPriority }),
    ]
    await swf.call('RespondDecisionTaskCompleted', { taskToken, decisions, executionContext: 'x' })
    await swf.call('PollForActivityTask', { domain, taskList })
    const file = await first.exportHistory({ domain, workflowId: 'w', runId })
    await swf.call('TerminateWorkflowExecution', { domain, workflowId: 'w' })

    const odd: unknown[] = [null, -1, 1.5, 'x', 'NONE', '', 'a\u0000\ud800', {}, [1], true]
    const paths = (value: object, at: string[] = []): string[][] =>
      Object.entries(value).flatMap(([name, held]) => [
        [...at, name],
        ...(typeof held === 'object' && held !== null ? paths(held as object, [...at, name]) : []),
      ])
    const text = JSON.stringify(file)
    let imported = 0
    for (const [n, path] of paths(JSON.parse(text) as object).entries()) {
      for (const value of third(odd, n + onDisk)) {
        const made = JSON.parse(text) as typeof file
        Object.assign(made.execution, { workflowId: `w${n}`, runId: `r${n}` })
        const holder = path.slice(0, -1).reduce((held: Record<string, never>, name) => held[name]!, made as never)
        Object.assign(holder, { [path.at(-1)!]: value })
        const response = await fetch(`${first.endpoint}/_local/history?domain=${DOMAIN}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(made),
        })
        const answer = { status: response.status, body: await response.json() }
        if (codeOf(answer, `${path.join('.')}: ${JSON.stringify(value)}`) !== 'OK') continue
        imported++
        const { workflowId } = answer.body as { workflowId: string }
        for (const [action, input] of [
          ['PollForDecisionTask', { domain, taskList }],
          ['PollForActivityTask', { domain, taskList }],
          ['TerminateWorkflowExecution', { domain, workflowId }],
        ] as const) {
          codeOf(await swf.send(action, JSON.stringify(input)), `${action} after ${path.join('.')}`)
        }
      }
    }
    expect(imported).toBeGreaterThan(5)
    await swf.close()
    await first.close()
    await (await createLocalSwf(data)).close()
  })

  test('a body of more than 1 MB is refused, with a length or in chunks, and is not kept', async () => {
    const big = 'x'.repeat(2 * 1_048_576)
    expect(codeOf(await wire.send('ListDomains', big), 'big')).toBe('RequestEntityTooLargeException')
    const chunk = `${(65_536).toString(16)}\r\n${'x'.repeat(65_536)}\r\n`
    const connection = new Connection().send(head('ListDomains', 'Transfer-Encoding: chunked\r\n'))
    const before = process.memoryUsage().arrayBuffers
    for (let i = 0; i < 512; i++) {
      if (!connection.socket.write(chunk)) await new Promise(resolve => connection.socket.once('drain', resolve))
    }
    connection.send('0\r\n\r\n')
    expect(await connection.answered()).toEqual(['400'])
    expect(connection.answer).toContain('RequestEntityTooLargeException')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(24 * 1_048_576)
    // The connection goes on.
    connection.send(whole('ListDomains', LIST))
    expect(await connection.answered(2)).toEqual(['400', '200'])
  })

  test('what comes a byte at a time, and characters cut into chunks, are one request', async () => {
    const body = '{"registrationStatus":"REGISTERED","x":"€😀"}'
    const bytes = Buffer.from(whole('ListDomains', body))
    const slow = new Connection()
    slow.socket.setNoDelay(true)
    for (const byte of bytes) {
      slow.send(Buffer.from([byte]))
      await new Promise(resolve => setImmediate(resolve))
    }
    const cut = new Connection().send(head('ListDomains', 'Transfer-Encoding: chunked\r\n'))
    for (const byte of Buffer.from(body))
      cut.send(Buffer.concat([Buffer.from('1\r\n'), Buffer.from([byte]), Buffer.from('\r\n')]))
    cut.send('0\r\n\r\n')
    expect([await slow.answered(), await cut.answered()]).toEqual([['200'], ['200']])
  })

  test('pipelined requests are answered in order', async () => {
    const names = ['a', 'b', 'c', 'd'].map(name => unique(`pipe-${name}`))
    const connection = new Connection().send(
      names.map(name => whole('DescribeDomain', JSON.stringify({ name }))).join(''),
    )
    await connection.answered(4)
    expect([...connection.answer.matchAll(/Unknown domain: (pipe-[\w-]+)/g)].map(([, name]) => name)).toEqual(names)
  })

  test('500 connections at once are all answered', async () => {
    const connections = Array.from({ length: 500 }, () => new Connection().send(whole('ListDomains', LIST)))
    const statuses = await Promise.all(connections.map(connection => connection.answered()))
    expect(statuses.every(([status]) => status === '200')).toBe(true)
    for (const { socket } of connections) socket.destroy()
  })

  test('clients that leave in the middle disturb nobody', async () => {
    const request = whole('ListDomains', LIST)
    for (const length of [1, 20, 100, request.length - 10, request.length]) {
      for (const leave of ['destroy', 'end', 'resetAndDestroy'] as const) {
        const { socket } = new Connection().send(request.slice(0, length))
        socket.once('connect', () => setTimeout(() => socket[leave](), 5))
      }
    }
    await delay(50)
    await stillServes()
  })
})

describe.each([
  ['in memory', () => undefined],
  ['on disk', () => tmpDir('polls')],
])('held polls, %s', (_name, data) => {
  test.each<[string, (socket: Socket) => void]>([
    ['is killed', socket => socket.destroy()],
    ['closes its side', socket => socket.end()],
    ['resets', socket => socket.resetAndDestroy()],
    ['sends nonsense and keeps the connection', socket => socket.write('nonsense\r\n\r\n')],
    ['asks for a tunnel', socket => socket.write('CONNECT x:1 HTTP/1.1\r\n\r\n')],
  ])('a client that %s leaves its task to the next poll', async (_what, leave) => {
    const directory = data()
    const swf = await createLocalSwf({ pollTimeout: 20_000, ...(directory !== undefined && { data: directory }) })
    const client = new Wire(swf.endpoint)
    afterFile(async () => {
      await client.close()
      await swf.close()
    })
    await registerAll(client)
    const taskList = { name: 'l' }
    const held = new Connection(swf.port).send(
      whole('PollForDecisionTask', JSON.stringify({ domain: DOMAIN, taskList })),
    )
    // What has been answered came after the poll, on a server that does one thing after another.
    await delay(30)
    await client.call('ListDomains', { registrationStatus: 'REGISTERED' })
    leave(held.socket)
    await delay(30)
    await client.call('StartWorkflowExecution', { domain: DOMAIN, workflowId: 'w', workflowType, taskList })
    const task = await client.call<{ startedEventId: number }>('PollForDecisionTask', { domain: DOMAIN, taskList })
    expect(task.startedEventId).toBe(3)
    expect(held.answer).not.toContain('taskToken')
  })
})

import { describe, expect, test } from 'vitest'
import type { SwfClient } from '../../../src/swf/client.js'
import { SwfFault } from '../../../src/swf/errors.js'
import { type Announcer, SILENT } from '../../../src/workers/decider/announcer.js'
import { implement } from '../../../src/workers/definitions.js'
import { defineActivity, defineSignal, defineWorkflow, saga, setState } from '../../../src/workflow/index.js'
import { startStack, type Stack } from '../../support/stack.js'
import { until } from '../../support/until.js'

const calls: string[] = []
const note = defineActivity<string, string>('Note', '1', { startToClose: '20s', retry: { maximumAttempts: 1 } })
const go = defineSignal('go')
const twoNotes = async (id: string) => {
  await note(`${id} first`)
  await go.receive()
  return note(`${id} second`)
}
const options = { taskStartToClose: '20s' } as const
const notes = defineWorkflow('Notes', '1', options, twoNotes)
/** Of which a lost answer is soon noticed. */
const quick = defineWorkflow('Quick', '1', { taskStartToClose: '1s' }, twoNotes)
const unknown = defineWorkflow('Unknown', '1', options, async (id: string) => note(`${id} known`))
const huge = defineWorkflow('Unknown', '1', options, async (id: string) => {
  setState({ at: 10n })
  return note(`${id} known`)
})
const broken = defineWorkflow('Broken', '1', options, async (id: string): Promise<string> => {
  setState({ at: 'first' })
  await note(`${id} first`)
  const nothing = undefined as unknown as { member: string }
  return nothing.member
})
const mended = defineWorkflow('Broken', '1', options, async (id: string) => {
  setState({ at: 'first' })
  await note(`${id} first`)
  return 'mended'
})
const handlers = [
  implement(note, async text => {
    calls.push(text)
    return text
  }),
]
const SHOW = `query($id: String!) { execution(workflowId: $id) {
  workflowId runId status state result { value } stuck { reason location since } history(first: 100) { nodes { eventType } } } }`
let stack: Stack
const start = (type: string, id: string) =>
  stack.graphql(
    'mutation($input: StartExecutionInput!) { startExecution(input: $input) { execution { workflowId runId } } }',
    { input: { workflowId: id, type, input: id } },
  )
const shown = async (id: string) => (await stack.graphql(SHOW, { id })).execution
const signal = (id: string) =>
  stack.swf.signalWorkflowExecution({ domain: stack.domain, workflowId: id, signalName: 'go' })
const completed = (id: string) =>
  until(async () => (await shown(id))?.status === 'COMPLETED' && shown(id), { what: `${id} completes` })
const eventsOf = async (id: string) => (await shown(id)).history.nodes.map((event: any) => event.eventType) as string[]

describe('a decider', () => {
  test('repeats a decision whose answer did not get through, with no double effect', async () => {
    stack = await startStack({ workflows: [notes, quick, unknown, broken], handlers })
    await stack.parts.decider.stop()
    // Its first answer is lost on the way, as if it had died before it could send it.
    let lost = 0
    const swf: SwfClient = Object.create(stack.swf, {
      respondDecisionTaskCompleted: {
        value: (input: never) => {
          if (lost++ > 0) return stack.swf.respondDecisionTaskCompleted(input)
          return Promise.reject(new SwfFault('FORBIDDEN', 'Died', 'RespondDecisionTaskCompleted', 'died'))
        },
      },
    })
    const decider = await stack.addDecider([quick], { swf })
    await start('Quick', 'repeat')
    await until(() => calls.includes('repeat first'), { what: 'the first note is made' })
    await signal('repeat')
    expect((await completed('repeat')).result.value).toBe('repeat second')
    expect(calls.filter(text => text.startsWith('repeat'))).toEqual(['repeat first', 'repeat second'])
    expect(await eventsOf('repeat')).toContain('DecisionTaskTimedOut')
    await decider.stop()
  })

  test('publishes the history of a decision task before it answers the task', async () => {
    const log: string[] = []
    const announcer: Announcer = {
      ...SILENT,
      history: async (_execution, events) => {
        await new Promise(resolve => setTimeout(resolve, 20))
        log.push(`published ${events.at(-1)!.eventId}`)
      },
    }
    let started = 0
    const swf: SwfClient = Object.create(stack.swf, {
      pollForDecisionTask: {
        value: async (input: never) => {
          const task = await stack.swf.pollForDecisionTask(input)
          if (task.taskToken) started = task.startedEventId!
          return task
        },
      },
      respondDecisionTaskCompleted: {
        value: (input: never) => {
          log.push(`answered ${started}`)
          return stack.swf.respondDecisionTaskCompleted(input)
        },
      },
    })
    const decider = await stack.addDecider([notes], { swf, announcer, pollers: 1, cached: 0 })
    const { startExecution } = await start('Notes', 'order')
    await until(() => calls.includes('order first'), { what: 'the first note is made' })
    await signal('order')
    await until(() => calls.includes('order second'), { what: 'the second note is made' })
    const answers = log.filter(entry => entry.startsWith('answered'))
    expect(answers.length).toBeGreaterThanOrEqual(3)
    for (const answer of answers) expect(log[log.indexOf(answer) - 1]).toBe(answer.replace('answered', 'published'))
    expect(startExecution.execution.runId).toBeTruthy()
    await decider.stop()
  })

  test('parks an execution whose state cannot be put into words, instead of failing at it again and again', async () => {
    const decider = await stack.addDecider([huge])
    await start('Unknown', 'huge')
    const { stuck } = await until(async () => (await shown('huge'))?.stuck && shown('huge'), { what: 'it shows' })
    expect(stuck.reason).toMatch(/BigInt|bigint/i)
    await decider.stop()
  })

  test('hands its executions to another one when it stops', async () => {
    const first = await stack.addDecider([notes])
    await start('Notes', 'hand')
    await until(() => calls.includes('hand first'), { what: 'the first note is made' })
    await first.stop()
    const second = await stack.addDecider([notes], { cached: 0 })
    await signal('hand')
    expect((await completed('hand')).result.value).toBe('hand second')
    await second.stop()
  })

  test('may be one of several: each execution is decided once', async () => {
    const several = await Promise.all([0, 1].map(() => stack.addDecider([notes])))
    const ids = Array.from({ length: 20 }, (_, n) => `many-${n}`)
    await Promise.all(ids.map(id => start('Notes', id)))
    await Promise.all(ids.map(id => signal(id)))
    await Promise.all(ids.map(completed))
    const made = calls.filter(text => text.startsWith('many-'))
    expect(new Set(made).size).toBe(40)
    expect(made).toHaveLength(40)
    await Promise.all(several.map(decider => decider.stop()))
  })

  test('parks an execution whose code throws, shows where, and heals it with mended code at the next signal', async () => {
    const first = await stack.addDecider([broken])
    await start('Broken', 'bug')
    const stuck = await until(async () => (await shown('bug'))?.stuck && shown('bug'), { what: 'the bug shows' })
    expect(stuck).toMatchObject({
      status: 'OPEN',
      state: { at: 'first' },
      stuck: {
        reason: expect.stringContaining('TypeError') as string,
        location: expect.stringMatching(/decider\.test\.ts:\d+/) as string,
      },
    })
    expect(await eventsOf('bug')).toEqual(expect.arrayContaining(['MarkerRecorded', 'TimerStarted']))
    await first.stop()
    const second = await stack.addDecider([mended])
    await signal('bug')
    const healed = await completed('bug')
    expect(healed).toMatchObject({ result: { value: 'mended' }, stuck: null })
    expect(calls.filter(text => text.startsWith('bug'))).toEqual(['bug first'])
    await second.stop()
  })

  test('parks an execution of a type that it does not know, and goes on with others', async () => {
    const first = await stack.addDecider([notes])
    await start('Unknown', 'who')
    const { stuck } = await until(async () => (await shown('who'))?.stuck && shown('who'), {
      what: 'the type is missed',
    })
    expect(stuck.reason).toContain('no workflow type Unknown 1')
    await start('Notes', 'other')
    await signal('other')
    await completed('other')
    await first.stop()
    const second = await stack.addDecider([unknown])
    await signal('who')
    expect((await completed('who')).result.value).toBe('who known')
    await second.stop()
  })
})

test('payloads pass a codec on both ways, and SWF sees only what it made of them', async () => {
  const codec = {
    encode: async (text: string) => `b64:${Buffer.from(text).toString('base64')}`,
    decode: async (text: string) => (text.startsWith('b64:') ? Buffer.from(text.slice(4), 'base64').toString() : text),
  }
  const sum = defineWorkflow('Sum', '1', {}, async (input: { secret: number }) => ({ secret: input.secret + 1 }))
  const stack = await startStack({ workflows: [sum] })
  await stack.parts.decider.stop()
  await stack.addDecider([sum], { codec })
  const input = await codec.encode('{"secret":41}')
  const { runId } = await stack.swf.startWorkflowExecution({
    domain: stack.domain,
    workflowId: 'coded',
    workflowType: { name: 'Sum', version: '1' },
    input,
  })
  const closed = await until(
    async () =>
      (await stack.history({ workflowId: 'coded', runId: runId! })).find(
        event => event.eventType === 'WorkflowExecutionCompleted',
      ),
    { what: 'it completes' },
  )
  const { result } =
    closed.eventType === 'WorkflowExecutionCompleted' ? closed.workflowExecutionCompletedEventAttributes : {}
  expect(result).toMatch(/^b64:/)
  expect(await codec.decode(result!)).toBe('{"secret":42}')
})

test('metrics tell what was decided, tried again and rolled back', async () => {
  const failing = defineActivity<string, void>('Failing', '1', { retry: { maximumAttempts: 2 } })
  const undo = defineActivity<string, void>('Undo', '1')
  const work = defineWorkflow('Work', '1', {}, async (id: string) => {
    await saga(id)
      .step('failing', failing, { input: c => c.input, rollback: [undo, c => c.input] })
      .run()
  })
  const stack = await startStack({
    workflows: [work],
    handlers: [
      implement(failing, async () => {
        throw new Error('no')
      }),
      implement(undo, async () => {}),
    ],
  })
  await stack.graphql(
    'mutation { startExecution(input: { workflowId: "work", type: "Work", input: "w" }) { execution { runId workflowId } } }',
  )
  await until(
    async () => (await stack.graphql('{ execution(workflowId: "work") { status } }')).execution.status === 'FAILED',
    { what: 'it fails' },
  )
  const decider = await stack.metrics.decider.registry.metrics()
  const worker = await stack.metrics.worker.registry.metrics()
  const has = (text: string, metric: string, labels: string, value: number) =>
    expect(text).toMatch(new RegExp(`^swf_gateway_${metric}\\{${labels}.*\\} ${value}$`, 'm'))
  has(decider, 'saga_states_total', 'workflowType="Work",state="RETRYING"', 1)
  has(decider, 'saga_states_total', 'workflowType="Work",state="ROLLING_BACK"', 1)
  has(decider, 'saga_states_total', 'workflowType="Work",state="FAILED"', 1)
  has(decider, 'activity_retries_total', 'activityType="Failing"', 1)
  has(decider, 'decisions_total', 'decisionType="FailWorkflowExecution"', 1)
  has(worker, 'activity_tasks_total', 'activityType="Failing",outcome="failed"', 2)
  has(worker, 'activity_tasks_total', 'activityType="Undo",outcome="completed"', 1)
  has(worker, 'activity_duration_seconds_count', '.*activityType="Failing"', 2)
  await until(async () => /active_executions\{.*\} 0/.test(await gatewayMetrics(stack)), {
    what: 'no execution is active',
  })
})

async function gatewayMetrics(stack: Stack): Promise<string> {
  return (await fetch(stack.url.replace('/graphql', '/metrics'))).text()
}

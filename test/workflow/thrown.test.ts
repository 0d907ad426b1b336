// Whatever a workflow throws ends as it was said to.

import { describe, expect, test } from 'vitest'
import { decodeFailure } from '../../src/swf/failure.js'
import { decisionAttributes, type Decision } from '../../src/swf/decision.js'
import {
  condition,
  defineSignal,
  defineWorkflow,
  sleep,
  WorkflowExecutionFailed,
  type WorkflowOptions,
} from '../../src/workflow/index.js'
import { Story } from '../support/given.js'
import { lived } from '../support/lived.js'

const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
const unreadable = () =>
  Object.defineProperty({}, 'message', {
    get: () => {
      throw new Error('no')
    },
  })
const circular = () => {
  const error = new Error('round')
  error.cause = error
  return error
}

const THROWN: [string, unknown, string, string | undefined][] = [
  ['an object with a name that is a number', { name: 42 }, 'Error', '{"name":42}'],
  ['an object without a prototype', Object.create(null), 'Error', '{}'],
  ['undefined', undefined, 'Error', 'undefined'],
  ['a symbol', Symbol('seats'), 'Error', 'Symbol(seats)'],
  ['a bigint', 10n, 'Error', '10'],
  ['an error whose message is no text', Object.assign(new Error(), { message: 42 }), 'Error', undefined],
  ['an error that is its own cause', circular(), 'Error', 'round'],
  ['a revoked proxy', revoked(), 'Error', 'it threw what cannot be read'],
  ['what throws when it is read', unreadable(), 'Error', 'it threw what cannot be read'],
  ['an error with a name', new TypeError('x is not iterable'), 'TypeError', 'x is not iterable'],
]

const throws = (thrown: unknown, options: WorkflowOptions<unknown, unknown> = {}) =>
  defineWorkflow('W', '1', options, async () => {
    throw thrown
  })
const failureOf = ([close]: readonly Decision[]) => {
  expect(close?.decisionType).toBe('FailWorkflowExecution')
  const { reason, details } = decisionAttributes(close!) as { reason: string; details: string }
  return { told: reason, ...decodeFailure('', reason, details) }
}

describe.each(THROWN)('%s', (_what, thrown, reason, message) => {
  test('fails an execution that is to fail of errors', async () => {
    const failure = failureOf(await new Story(throws(thrown, { onError: 'fail' })).go())
    expect(failure).toMatchObject({ told: reason, code: 'WORKFLOW_ERROR', reason, ...(message && { message }) })
  })

  test('parks another one, and is told', async () => {
    const turn = await new Story(throws(thrown)).decide()
    if (turn.kind !== 'stuck') throw new Error('not stuck')
    expect(turn.stuck.reason).toContain(`${reason}: `)
    if (message) expect(turn.stuck.reason).toContain(message)
  })
})

describe('a failure on purpose fails its execution, whatever is told with it:', () => {
  const cycle: Record<string, unknown> = {}
  cycle.self = cycle
  test.each<[string, unknown, unknown]>([
    ['a bigint', { amount: 10n }, 'left out: a bigint (at amount) cannot be sent as JSON: send it as a string'],
    ['a Map', new Map(), 'left out: a Map cannot be sent as JSON: send Object.fromEntries(map)'],
    ['a cycle', cycle, expect.stringContaining('left out: Converting circular structure') as unknown],
    ['JSON', { amount: 10 }, { amount: 10 }],
  ])('%s', async (_what, details, told) => {
    const failing = throws(new WorkflowExecutionFailed('OutOfStock', { message: 'none left', details }))
    expect(failureOf(await new Story(failing).go())).toMatchObject({
      code: 'WORKFLOW_EXECUTION_FAILED',
      reason: 'OutOfStock',
      message: 'none left',
      details: told,
    })
  })

  test('a reason that is no text', async () => {
    expect(failureOf(await new Story(throws(new WorkflowExecutionFailed(42 as never))).go())).toMatchObject({
      told: '42',
    })
  })
})

describe('what a handler of a signal, or a predicate, throws ends as what the function throws:', () => {
  const go = defineSignal<boolean>('go')
  const PLACES: [string, (thrown: unknown) => Promise<unknown>][] = [
    [
      'a handler',
      async thrown => {
        go.handle(() => {
          throw thrown
        })
        await sleep('1h')
      },
    ],
    [
      'a predicate',
      async thrown => {
        let came = false
        go.handle(() => {
          came = true
        })
        await condition(() => {
          if (came) throw thrown
          return false
        })
      },
    ],
  ]

  test.each(PLACES)('%s', async (_what, run) => {
    const ends = async (thrown: unknown, onError: 'park' | 'fail') => {
      const story = new Story(defineWorkflow('W', '1', { onError }, () => run(thrown)))
      await story.go()
      return story.signal('go', true).decide()
    }
    const mistake = new TypeError('x is not iterable')
    expect(await ends(mistake, 'park')).toMatchObject({ stuck: { reason: 'TypeError: x is not iterable' } })
    const failed = await ends(mistake, 'fail')
    expect(failureOf(failed.kind === 'decided' ? failed.decisions : [])).toMatchObject({ told: 'TypeError' })
    const purpose = await ends(new WorkflowExecutionFailed('OutOfHours'), 'park')
    expect(failureOf(purpose.kind === 'decided' ? purpose.decisions : [])).toMatchObject({ told: 'OutOfHours' })
  })

  test('live', async () => {
    const failing = defineWorkflow('W', '1', { onError: 'fail' }, () => PLACES[0]![1](Object.create(null)))
    const status = await lived(failing, async execution => {
      await execution.signal(go, true)
      await execution.result().catch(() => {})
      return execution.status()
    })
    expect(status).toBe('FAILED')
  })
})

test.each(THROWN.slice(0, 4))('live: %s fails an execution', async (_what, thrown) => {
  const status = await lived(throws(thrown, { onError: 'fail' }), async execution => {
    await execution.result().catch(() => {})
    return execution.status()
  })
  expect(status).toBe('FAILED')
})

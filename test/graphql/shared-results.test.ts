import { parse, type DocumentNode, type FormattedExecutionResult } from 'graphql'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SharedResults } from '../../src/graphql/shared-results.js'

const UPDATES = parse('subscription ($after: String, $tag: String) { updates(after: $after, tag: $tag) { n } }')
const TWICE = parse('subscription ($after: String) { updates(after: $after) { list(after: $after) { n } } }')

let shared: SharedResults
let executed: string[]
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
  shared = new SharedResults()
  executed = []
})
afterEach(() => vi.useRealTimers())

interface Who {
  name: string
  caller?: string
  document?: DocumentNode
  variables?: Record<string, unknown>
}

/** One who subscribes; what is executed for him says so. */
function subscriber({ name, caller = 'ada', document = UPDATES, variables = {} }: Who) {
  return shared.join({ document, variableValues: variables, contextValue: { caller } }, async () => {
    executed.push(name)
    return { data: { by: name } } as FormattedExecutionResult
  })
}
const by = async (who: ReturnType<typeof subscriber>, event: object) => (await who.execute(event)).data!.by

test('those who ask the same get one result of what happened to all of them', async () => {
  const [a, b] = [subscriber({ name: 'a' }), subscriber({ name: 'b' })]
  const event = {}
  expect([await by(a, event), await by(b, event)]).toEqual(['a', 'a'])
  expect([await by(b, {}), await by(a, {})]).toEqual(['b', 'a'])
})

test.each<[string, Partial<Who>]>([
  ['another caller', { caller: 'bob' }],
  ['other variables', { variables: { tag: 'x' } }],
  ['another document', { document: parse('subscription { updates { n } }') }],
])('%s gets a result of his own', async (_what, other) => {
  const [a, b] = [subscriber({ name: 'a' }), subscriber({ name: 'b', ...other })]
  const c = subscriber({ name: 'c' })
  const event = {}
  expect([await by(a, event), await by(b, event), await by(c, event)]).toEqual(['a', 'b', 'a'])
})

test('where a subscription begins makes no difference, unless it is asked for again', async () => {
  const from = (name: string, after: string, document = UPDATES) =>
    subscriber({ name, document, variables: { after, tag: 'x' } })
  const event = {}
  const once = [from('a', '1'), from('b', '2')]
  const twice = [from('c', '1', TWICE), from('d', '2', TWICE), from('e', '2', TWICE)]
  expect(await Promise.all([...once, ...twice].map(who => by(who, event)))).toEqual(['a', 'a', 'c', 'd', 'd'])
})

test('a result is for those who take it while it is new', async () => {
  const [a, b] = [subscriber({ name: 'a' }), subscriber({ name: 'b' })]
  const event = {}
  await by(a, event)
  vi.advanceTimersByTime(999)
  expect(await by(b, event)).toBe('a')
  vi.advanceTimersByTime(1)
  expect(await by(b, event)).toBe('b')
})

test('whoever is alone keeps nothing, and those who have left leave nothing', async () => {
  const a = subscriber({ name: 'a' })
  const event = {}
  await by(a, event)
  await by(a, event)
  const b = subscriber({ name: 'b' })
  expect(await by(b, event)).toBe('b')
  a.leave()
  b.leave()
  const [c] = [subscriber({ name: 'c' }), subscriber({ name: 'd' })]
  expect(await by(c, event)).toBe('c')
  expect(executed).toEqual(['a', 'a', 'b', 'c'])
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ExecutionFilter } from '../../src/feed/execution-query.js'
import { ExecutionTable } from '../../src/feed/execution-table.js'
import type { ExecutionSummary } from '../../src/feed/update.js'
import { indexFilter, summaryFilter } from '../../src/graphql/execution-filter.js'
import { encodeNodeId } from '../../src/graphql/node.type.js'

const DOMAIN = 'shop'
const one = <T>(...values: T[]) => fc.constantFrom(...values)
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const time = fc.integer({ min: 0, max: 20 })
const parent = one({ workflowId: 'p', runId: 'p1' }, { workflowId: 'p', runId: 'p2' })
const status = one<ExecutionSummary['status']>('OPEN', 'COMPLETED', 'TERMINATED')
const sagaState = one<'RUNNING' | 'FAILED'>('RUNNING', 'FAILED')
const known = <T extends object>(object: T) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T

const summary = fc
  .record({
    workflowId: one('a', 'ab', 'b', 'a\u{10ffff}'),
    type: fc.record({ name: one('Order', 'Refund'), version: one('1', '2') }),
    status,
    saga: maybe(fc.record({ state: sagaState, attempt: fc.constant(1), steps: fc.constant([]) })),
    stuck: maybe(fc.constant({ since: 1, reason: 'r' })),
    tags: fc.uniqueArray(one('x', 'y')),
    startedAt: time,
    closed: time,
    parent: maybe(parent),
  })
  .map(({ closed, ...rest }) =>
    known({
      ...rest,
      closedAt: rest.status === 'OPEN' ? undefined : closed,
      domain: DOMAIN,
      taskList: 't',
      cancelRequested: false,
      eventId: 1,
    }),
  )

const filter = fc
  .record({
    type: maybe(one('Order', 'Refund')),
    version: maybe(one('1', '2')),
    status: maybe(fc.uniqueArray(status)),
    sagaState: maybe(fc.uniqueArray(sagaState)),
    tag: maybe(one('x', 'y')),
    workflowIdPrefix: maybe(one('', 'a', 'ab')),
    startedAfter: maybe(time),
    startedBefore: maybe(time),
    closedAfter: maybe(time),
    closedBefore: maybe(time),
    stuck: maybe(fc.boolean()),
    parent: maybe(parent),
  })
  .map(known)

test('the feed lets through what the index lists, for any filter', () => {
  fc.assert(
    fc.property(fc.array(summary, { maxLength: 12 }), filter, (given, filter) => {
      const summaries = given.map((summary, i) => ({ ...summary, runId: `r${i}` }) as unknown as ExecutionSummary)
      const table = new ExecutionTable(':memory:')
      try {
        table.put(summaries)
        const listed = table.list(DOMAIN, { filter: filter as ExecutionFilter, first: 100 }).items
        const through = summaries.filter(summaryFilter(filter as ExecutionFilter))
        expect(listed.map(({ runId }) => runId).sort()).toEqual(through.map(({ runId }) => runId).sort())
      } finally {
        table.close()
      }
    }),
    { numRuns: 200 },
  )
})

test('reads a parent from its node id, and refuses any other id', () => {
  const id = encodeNodeId({ type: 'Execution', domain: DOMAIN, workflowId: 'p', runId: '22+/=' })
  expect(indexFilter({ parent: id })).toEqual({ parent: { workflowId: 'p', runId: '22+/=' } })
  const queue = encodeNodeId({ type: 'Queue', domain: DOMAIN, taskList: 't' })
  for (const wrong of [queue, 'x', '']) expect(() => indexFilter({ parent: wrong })).toThrow('filter.parent')
})

test('takes null for "any"', () => {
  expect(indexFilter({ type: null, status: null, startedAfter: new Date(5), stuck: false })).toEqual({
    startedAfter: 5,
    stuck: false,
  })
  expect(indexFilter(null)).toEqual({})
})

// Pages of every connection: their cursors hold in the list that gave them out, and an empty page says what is around it.

import { expect, test } from 'vitest'
import { until } from '../support/until.js'
import { DOMAIN, startStack, TYPE } from './fixture.js'

const { ask, swf } = await startStack()
for (const workflowId of ['a-1', 'a-2', 'a-3'])
  await ask('mutation ($input: StartExecutionInput!) { startExecution(input: $input) { created } }', {
    input: { workflowId, type: TYPE.name },
  })
for (let version = 1; version <= 5; version++)
  await swf.registerActivityType({ domain: DOMAIN, name: 'Pack', version: String(version) })
await ask('mutation { registerDomain(input: { name: "other" }) { domain { name } } }')
await until(async () => (await ask('{ executions { count { value } } }')).data.executions.count.value === 3, {
  what: 'the index knows all',
})

const PAGE = 'edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }'
const cursorOf = async (args: string): Promise<string> =>
  (await ask(`{ executions(first: 1, ${args}) { ${PAGE} } }`)).data.executions.pageInfo.endCursor

test('a cursor is refused by a list of another order, filter, domain or kind', async () => {
  const after = await cursorOf('filter: { workflowIdPrefix: "a-", status: [OPEN, FAILED] }, orderBy: STARTED_ASC')
  const same = `executions(filter: { status: [FAILED, OPEN, OPEN], workflowIdPrefix: "a-" }, orderBy: STARTED_ASC, after: "${after}")`
  expect((await ask(`{ ${same} { nodes { workflowId } } }`)).data.executions.nodes).toEqual([
    { workflowId: 'a-2' },
    { workflowId: 'a-3' },
  ])
  for (const other of [
    'executions(filter: { workflowIdPrefix: "a-", status: [OPEN, FAILED] }, orderBy: CLOSED_ASC',
    'executions(filter: { workflowIdPrefix: "a-", status: [OPEN, FAILED] }, orderBy: STARTED_DESC',
    'executions(filter: { workflowIdPrefix: "a-" }, orderBy: STARTED_ASC',
    'executions(domain: "other", filter: { workflowIdPrefix: "a-", status: [OPEN, FAILED] }, orderBy: STARTED_ASC',
    'workflowTypes(first: 1',
    'activityTypes(first: 1',
  ])
    expect((await ask(`{ ${other}, after: "${after}") { nodes { __typename } } }`)).errors, other).toMatchObject([
      { message: expect.stringContaining('of another list'), extensions: { code: 'BAD_USER_INPUT' } },
    ])
  const { data, errors } = await ask(
    `{ execution(workflowId: "a-1") { children(after: "${after}") { nodes { id } } } }`,
  )
  expect([data.execution, errors?.[0]?.extensions.code]).toEqual([null, 'BAD_USER_INPUT'])
  const history = await ask(`{ execution(workflowId: "a-1") { history(after: "${after}") { nodes { id } } } }`)
  expect(history.errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }])
})

test('a cursor of a type is refused by a list of another kind, name or status', async () => {
  const after = (await ask('{ activityTypes(first: 1, name: "Pack") { pageInfo { endCursor } } }')).data.activityTypes
    .pageInfo.endCursor
  for (const other of [
    'workflowTypes(name: "Pack"',
    'activityTypes(name: "Ship"',
    'activityTypes(status: DEPRECATED, name: "Pack"',
  ])
    expect((await ask(`{ ${other}, after: "${after}") { nodes { name } } }`)).errors, other).toMatchObject([
      { extensions: { code: 'BAD_USER_INPUT' } },
    ])
})

test('types go on behind the cursor of any of them, with pages of any size', async () => {
  const list = async (args: string) =>
    (
      await ask(
        `{ activityTypes(name: "Pack", ${args}) { edges { cursor node { version } } nodes { version } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
      )
    ).data.activityTypes
  const versions = ({ nodes }: { nodes: { version: string }[] }) => nodes.map(({ version }) => Number(version))
  const all: number[] = []
  for (const size of [1, 2, 3, 10]) {
    const seen: number[] = []
    for (let after = ''; ;) {
      const page = await list(`first: ${size}${after && `, after: "${after}"`}`)
      expect(page.edges.map((edge: { node: object }) => edge.node)).toEqual(page.nodes)
      expect(page.pageInfo).toMatchObject({
        ...{ hasPreviousPage: after !== '', startCursor: page.edges[0].cursor, endCursor: page.edges.at(-1).cursor },
      })
      seen.push(...versions(page))
      for (const [i, { cursor }] of page.edges.entries()) {
        const next = seen.length - page.nodes.length + i + 2
        expect(versions(await list(`first: 2, after: "${cursor}"`))).toEqual([next, next + 1].filter(v => v <= 5))
      }
      if (!page.pageInfo.hasNextPage) break
      after = page.pageInfo.endCursor
    }
    all.push(...seen)
  }
  expect(all).toEqual([1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2, 3, 4, 5])
})

test('a page of none says whether there are others before it and behind it', async () => {
  const none = (hasPreviousPage: boolean, hasNextPage: boolean) => ({
    ...{ edges: [], pageInfo: { hasNextPage, hasPreviousPage, startCursor: null, endCursor: null } },
  })
  const last = (await ask(`{ executions { ${PAGE} } }`)).data.executions.pageInfo.endCursor
  const { data, errors } = await ask(`{
    all: executions(first: 0) { ${PAGE} }
    none: executions(first: 0, filter: { tag: "none" }) { ${PAGE} }
    behind: executions(first: 0, after: "${last}") { ${PAGE} }
    types: activityTypes(first: 0) { edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }
    execution(workflowId: "a-1") {
      forward: history(first: 0) { ${PAGE} }
      behind: history(first: 0, after: "1") { ${PAGE} }
      end: history(first: 0, after: "2") { ${PAGE} }
      backward: history(last: 0) { ${PAGE} }
      ahead: history(last: 0, before: "1") { ${PAGE} }
      children(first: 0) { ${PAGE} }
      pending(first: 0) { since }
      timeline(first: 0) { kind }
    }
  }`)
  expect(errors).toBeUndefined()
  expect(data).toEqual({
    ...{ all: none(false, true), none: none(false, false), behind: none(true, false), types: none(false, true) },
    execution: {
      ...{ forward: none(false, true), behind: none(true, true), end: none(true, false) },
      ...{ backward: none(true, false), ahead: none(false, true), children: none(false, false) },
      ...{ pending: [], timeline: [] },
    },
  })
  expect((await ask('{ executions(first: -1) { nodes { id } } }')).errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT')
})

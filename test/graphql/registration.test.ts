import { expect, test } from 'vitest'
import { DOMAIN, startStack, TYPE } from './fixture.js'

const { ask } = await startStack()
const code = async (query: string) => (await ask(query)).errors?.[0]?.extensions.code

test('domains are listed and registered', async () => {
  const REGISTER =
    'mutation { registerDomain(input: { name: "new", description: "for tests" }) { domain { name status arn } } }'
  expect((await ask(REGISTER)).data.registerDomain.domain).toMatchObject({
    name: 'new',
    status: 'REGISTERED',
    arn: expect.stringMatching(/:\/domain\/new$/),
  })
  expect(await code(REGISTER)).toBe('ALREADY_REGISTERED')
  const { domains } = (await ask('{ domains { name } }')).data
  expect(domains.map((domain: { name: string }) => domain.name)).toEqual(['new', DOMAIN])
  expect((await ask('{ domains(status: DEPRECATED) { name } }')).data.domains).toEqual([])
})

test('a domain is shown, deprecated, and taken into use again', async () => {
  await ask('mutation { registerDomain(input: { name: "shown", retentionDays: 7 }) { domain { name } } }')
  const shown = 'name status retentionDays'
  expect((await ask(`{ domain(name: "shown") { ${shown} } }`)).data.domain).toEqual({
    name: 'shown',
    status: 'REGISTERED',
    retentionDays: 7,
  })
  expect((await ask('{ domain { name } }')).data.domain).toEqual({ name: DOMAIN })
  expect(await code('{ domain(name: "nowhere") { name } }')).toBe('DOMAIN_NOT_FOUND')
  expect((await ask('{ domains { retentionDays } }')).data.domains).toContainEqual({ retentionDays: 7 })
  const { deprecateDomain } = (
    await ask(`mutation { deprecateDomain(input: { name: "shown" }) { domain { ${shown} } } }`)
  ).data
  expect(deprecateDomain.domain).toMatchObject({ status: 'DEPRECATED', retentionDays: 7 })
  expect((await ask('{ domains(status: DEPRECATED) { name } }')).data.domains).toEqual([{ name: 'shown' }])
  const { undeprecateDomain } = (
    await ask(`mutation { undeprecateDomain(input: { name: "shown" }) { domain { ${shown} } } }`)
  ).data
  expect(undeprecateDomain.domain).toMatchObject({ status: 'REGISTERED' })
  expect(await code('mutation { deprecateDomain(input: { name: "nowhere" }) { domain { name } } }')).toBe(
    'DOMAIN_NOT_FOUND',
  )
})

test('a domain that was asked about before it was registered is known at once', async () => {
  const types = '{ workflowTypes(domain: "late") { nodes { name } } }'
  expect(await code(types)).toBe('DOMAIN_NOT_FOUND')
  await ask('mutation { registerDomain(input: { name: "late" }) { domain { name } } }')
  expect((await ask(types)).data.workflowTypes.nodes).toEqual([])
})

test('types are listed by name and version, page by page, with what they were registered with', async () => {
  const LIST = `query ($after: String) { workflowTypes(first: 1, after: $after) {
    nodes { name version status createdAt defaults { taskList executionStartToCloseTimeout childPolicy } }
    pageInfo { hasNextPage endCursor }
  } }`
  const first = (await ask(LIST)).data.workflowTypes
  expect(first.nodes).toMatchObject([
    {
      name: TYPE.name,
      version: '1.0',
      status: 'REGISTERED',
      defaults: { taskList: 'orders', executionStartToCloseTimeout: 'PT1H', childPolicy: 'TERMINATE' },
    },
  ])
  const second = (await ask(LIST, { after: first.pageInfo.endCursor })).data.workflowTypes
  expect(second).toMatchObject({ nodes: [{ version: TYPE.version }], pageInfo: { hasNextPage: false } })
})

test('a type is registered, deprecated, taken into use again and deleted', async () => {
  const register = await ask(`mutation { registerActivityType(input: {
    name: "Print", version: "1", taskStartToCloseTimeout: "PT30S"
  }) { type { name status defaults { taskList taskStartToCloseTimeout taskHeartbeatTimeout } } } }`)
  expect(register.data.registerActivityType.type).toEqual({
    name: 'Print',
    status: 'REGISTERED',
    defaults: { taskList: 'activities', taskStartToCloseTimeout: 'PT30S', taskHeartbeatTimeout: null },
  })
  const change = (verb: string) =>
    `mutation { ${verb}ActivityType(input: { name: "Print", version: "1" }) { ${verb === 'delete' ? 'domain name version' : 'type { status deprecatedAt }'} } }`
  expect(await code(change('delete'))).toBe('NOT_DEPRECATED')
  expect((await ask(change('deprecate'))).data.deprecateActivityType.type).toMatchObject({
    status: 'DEPRECATED',
    deprecatedAt: expect.any(String),
  })
  expect((await ask(change('undeprecate'))).data.undeprecateActivityType.type.status).toBe('REGISTERED')
  await ask(change('deprecate'))
  expect((await ask(change('delete'))).data.deleteActivityType).toEqual({
    ...{ domain: DOMAIN, name: 'Print', version: '1' },
  })
  expect(await code(change('deprecate'))).toBe('TYPE_NOT_FOUND')
})

test('a workflow type that is registered is the newest, until it is deprecated', async () => {
  const START =
    'mutation ($id: String!) { startExecution(input: { workflowId: $id, type: "Order" }) { execution { type { version } } } }'
  const version = async (id: string) => (await ask(START, { id })).data.startExecution.execution.type.version
  expect(await version('v-1')).toBe('2.0')
  await new Promise(resolve => setTimeout(resolve, 5))
  await ask(
    'mutation { registerWorkflowType(input: { name: "Order", version: "3.0", taskList: "orders" }) { type { name } } }',
  )
  expect(await version('v-2')).toBe('3.0')
  await ask('mutation { deprecateWorkflowType(input: { name: "Order", version: "3.0" }) { type { status } } }')
  expect(await version('v-3')).toBe('2.0')
  const { pendingTasks } = (
    await ask('{ pendingTasks(taskList: "orders") { decisionTasks { value } activityTasks { value } } }')
  ).data
  expect(pendingTasks).toEqual({ decisionTasks: { value: 3 }, activityTasks: { value: 0 } })
})

test('what mutations took and answered before `input` and payloads still works', async () => {
  const { data, errors } = await ask(`mutation {
    registerDomain(input: { name: "former" }) { name status retentionDays }
    deprecateDomain(name: "former") { status }
    undeprecateDomain(name: "former") { status }
    registerActivityType(input: { name: "Former", version: "1" }) { version defaults { taskList } }
    deprecateActivityType(type: { name: "Former", version: "1" }) { status }
    deleteActivityType(type: { name: "Former", version: "1" }) { name }
  }`)
  expect(errors).toBeUndefined()
  expect(data).toEqual({
    registerDomain: { name: 'former', status: 'REGISTERED', retentionDays: 30 },
    deprecateDomain: { status: 'DEPRECATED' },
    undeprecateDomain: { status: 'REGISTERED' },
    registerActivityType: { version: '1', defaults: { taskList: 'activities' } },
    deprecateActivityType: { status: 'DEPRECATED' },
    deleteActivityType: { name: 'Former' },
  })
  for (const args of ['', '(input: { name: "former" }, name: "former")'])
    expect(await code(`mutation { deprecateDomain${args} { domain { name } } }`)).toBe('BAD_USER_INPUT')
})

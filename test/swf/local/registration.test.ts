import { afterAll, expect, test } from 'vitest'
import { sdkClient } from '../../../src/swf/local/sdk-client.js'
import { DOMAIN, fixture, unique } from './fixture.js'

const { server, swf, start } = await fixture()

test('a domain is registered, described, listed, deprecated and undeprecated', async () => {
  const name = unique('domain')
  await swf.registerDomain({ name, description: 'd', workflowExecutionRetentionPeriodInDays: '7' })
  const { domainInfo, configuration } = await swf.describeDomain({ name })
  expect(domainInfo).toEqual({
    name,
    description: 'd',
    status: 'REGISTERED',
    arn: `arn:aws:swf:us-east-1:123456789012:/domain/${name}`,
  })
  expect(configuration).toEqual({ workflowExecutionRetentionPeriodInDays: '7' })
  await expect(swf.registerDomain({ name, workflowExecutionRetentionPeriodInDays: '7' })).rejects.toMatchObject({
    name: 'DomainAlreadyExistsFault',
    message: name,
  })
  const names = async (registrationStatus: 'REGISTERED' | 'DEPRECATED', given: object = {}) =>
    (await swf.listDomains({ registrationStatus, ...given })).domainInfos!.map(info => info.name)
  expect(await names('REGISTERED')).toEqual([DOMAIN, name])
  expect(await names('REGISTERED', { reverseOrder: true })).toEqual([name, DOMAIN])
  await swf.deprecateDomain({ name })
  await expect(swf.deprecateDomain({ name })).rejects.toMatchObject({ name: 'DomainDeprecatedFault', message: name })
  expect(await names('DEPRECATED')).toEqual([name])
  await expect(swf.registerWorkflowType({ domain: name, name: 'W', version: '1' })).rejects.toMatchObject({
    name: 'DomainDeprecatedFault',
  })
  await swf.undeprecateDomain({ name })
  await expect(swf.undeprecateDomain({ name })).rejects.toMatchObject({ name: 'DomainAlreadyExistsFault' })
  await expect(swf.describeDomain({ name: 'nowhere' })).rejects.toMatchObject({
    name: 'UnknownResourceFault',
    message: 'Unknown domain: nowhere',
  })
})

test('deprecating a domain deprecates its types; its executions go on', async () => {
  const domain = unique('domain')
  const type = { name: 'W', version: '1' }
  await swf.registerDomain({ name: domain, workflowExecutionRetentionPeriodInDays: 'NONE' })
  await swf.registerWorkflowType({
    domain,
    ...type,
    defaultTaskList: { name: 'l' },
    defaultChildPolicy: 'ABANDON',
    defaultTaskStartToCloseTimeout: 'NONE',
    defaultExecutionStartToCloseTimeout: '60',
  })
  const given = { domain, workflowId: 'w', workflowType: type }
  const { runId } = await swf.startWorkflowExecution(given)
  await swf.deprecateDomain({ name: domain })
  expect((await swf.describeWorkflowType({ domain, workflowType: type })).typeInfo?.status).toBe('DEPRECATED')
  await expect(swf.startWorkflowExecution({ ...given, workflowId: 'v' })).rejects.toMatchObject({
    name: 'DomainDeprecatedFault',
  })
  const { taskToken } = await swf.pollForDecisionTask({ domain, taskList: { name: 'l' } })
  await swf.respondDecisionTaskCompleted({ taskToken, decisions: [{ decisionType: 'CompleteWorkflowExecution' }] })
  // Retention NONE: nothing of it is kept.
  await expect(
    swf.getWorkflowExecutionHistory({ domain, execution: { workflowId: 'w', runId } }),
  ).rejects.toMatchObject({ name: 'UnknownResourceFault' })
})

test.each(['Activity', 'Workflow'] as const)('%s types live from registration to deletion', async kind => {
  const name = unique('T')
  const call = (action: string, input: object) =>
    (swf as unknown as Record<string, (input: object) => Promise<Record<string, never>>>)[action]!({
      domain: DOMAIN,
      ...input,
    })
  const member = kind === 'Activity' ? 'activityType' : 'workflowType'
  const type = { [member]: { name, version: '1' } }
  const text = `${kind}Type=[name=${name}, version=1]`
  const defaults =
    kind === 'Activity'
      ? { defaultTaskHeartbeatTimeout: 'NONE', defaultTaskScheduleToStartTimeout: '5', defaultTaskPriority: '-3' }
      : { defaultChildPolicy: 'ABANDON', defaultExecutionStartToCloseTimeout: '60', defaultLambdaRole: 'arn:x' }
  await call(`register${kind}Type`, { name, version: '1', description: 'd', ...defaults })
  await expect(call(`register${kind}Type`, { name, version: '1' })).rejects.toMatchObject({
    name: 'TypeAlreadyExistsFault',
    message: text,
  })
  const described = await call(`describe${kind}Type`, type)
  expect(described).toMatchObject({
    typeInfo: { ...type, status: 'REGISTERED', description: 'd', creationDate: expect.any(Date) as Date },
  })
  expect(described.configuration).toEqual(defaults)
  await expect(call(`delete${kind}Type`, type)).rejects.toMatchObject({ name: 'TypeNotDeprecatedFault', message: text })
  await expect(call(`undeprecate${kind}Type`, type)).rejects.toMatchObject({ name: 'TypeAlreadyExistsFault' })
  await call(`deprecate${kind}Type`, type)
  await expect(call(`deprecate${kind}Type`, type)).rejects.toMatchObject({ name: 'TypeDeprecatedFault', message: text })
  expect(await call(`describe${kind}Type`, type)).toMatchObject({
    typeInfo: { status: 'DEPRECATED', deprecationDate: expect.any(Date) as Date },
  })
  await call(`undeprecate${kind}Type`, type)
  await call(`deprecate${kind}Type`, type)
  await call(`delete${kind}Type`, type)
  await expect(call(`describe${kind}Type`, type)).rejects.toMatchObject({
    name: 'UnknownResourceFault',
    message: `Unknown type: ${text}`,
  })
  await call(`register${kind}Type`, { name, version: '1' })
})

test('types are listed by name, a page at a time, either way', async () => {
  const domain = unique('domain')
  await swf.registerDomain({ name: domain, workflowExecutionRetentionPeriodInDays: '1' })
  for (const name of ['c', 'a', 'b']) {
    for (const version of ['2', '1']) await swf.registerActivityType({ domain, name, version })
  }
  const list = async (given: object = {}) => {
    const found: string[] = []
    let nextPageToken: string | undefined
    do {
      const page = await swf.listActivityTypes({ domain, registrationStatus: 'REGISTERED', nextPageToken, ...given })
      found.push(...page.typeInfos!.map(({ activityType: type }) => `${type!.name}${type!.version}`))
      nextPageToken = page.nextPageToken
    } while (nextPageToken)
    return found
  }
  expect(await list()).toEqual(['a1', 'a2', 'b1', 'b2', 'c1', 'c2'])
  expect(await list({ maximumPageSize: 4 })).toEqual(['a1', 'a2', 'b1', 'b2', 'c1', 'c2'])
  expect(await list({ maximumPageSize: 4, reverseOrder: true })).toEqual(['c2', 'c1', 'b2', 'b1', 'a2', 'a1'])
  expect(await list({ name: 'b' })).toEqual(['b1', 'b2'])
  expect(await list({ registrationStatus: 'DEPRECATED' })).toEqual([])
})

test('a start that SWF would refuse is refused with the same fault', async () => {
  const bare = { name: unique('Bare'), version: '1' }
  await swf.registerWorkflowType({ domain: DOMAIN, ...bare })
  const run = await start()
  const refused = (given: object, name: string, message: string) =>
    expect(start(given)).rejects.toMatchObject({ name, message })
  await refused({ domain: 'nowhere' }, 'UnknownResourceFault', 'Unknown domain: nowhere')
  await refused(
    { workflowType: { name: 'None', version: '1' } },
    'UnknownResourceFault',
    'Unknown type: WorkflowType=[name=None, version=1]',
  )
  await refused({ workflowId: run.workflowId }, 'WorkflowExecutionAlreadyStartedFault', 'Already Started')
  await refused({ workflowType: bare }, 'DefaultUndefinedFault', 'defaultExecutionStartToCloseTimeout')
  await refused(
    { workflowType: bare, executionStartToCloseTimeout: '1', taskStartToCloseTimeout: 'NONE' },
    'DefaultUndefinedFault',
    'defaultChildPolicy',
  )
  await swf.deprecateWorkflowType({ domain: DOMAIN, workflowType: bare })
  await refused({ workflowType: bare }, 'TypeDeprecatedFault', `WorkflowType=[name=${bare.name}, version=1]`)
  await run.terminate()
  expect((await start({ workflowId: run.workflowId })).runId).not.toBe(run.runId)
})

test('an ARN has the region that the caller signs for; tags take it from any', async () => {
  const name = unique('domain')
  await swf.registerDomain({ name, workflowExecutionRetentionPeriodInDays: '1' })
  const abroad = sdkClient(server.endpoint, 'eu-west-1')
  afterAll(() => abroad.destroy())
  const { arn } = (await abroad.describeDomain({ name })).domainInfo!
  expect(arn).toBe(`arn:aws:swf:eu-west-1:123456789012:/domain/${name}`)
  const { domainInfos } = await abroad.listDomains({ registrationStatus: 'REGISTERED' })
  expect(domainInfos?.map(domain => domain.arn)).toContain(arn)
  await abroad.tagResource({ resourceArn: arn!, tags: [{ key: 'team', value: 'a' }] })
  const resourceArn = (await swf.describeDomain({ name })).domainInfo!.arn!
  expect((await swf.listTagsForResource({ resourceArn })).tags).toEqual([{ key: 'team', value: 'a' }])
})

test('domains have tags, up to 50', async () => {
  const name = unique('domain')
  const tags = [{ key: 'team', value: 'a' }, { key: 'empty' }]
  await swf.registerDomain({ name, workflowExecutionRetentionPeriodInDays: '1', tags })
  const resourceArn = (await swf.describeDomain({ name })).domainInfo!.arn!
  await swf.tagResource({ resourceArn, tags: [{ key: 'team', value: 'b' }] })
  await swf.untagResource({ resourceArn, tagKeys: ['empty'] })
  expect((await swf.listTagsForResource({ resourceArn })).tags).toEqual([{ key: 'team', value: 'b' }])
  const many = Array.from({ length: 50 }, (_, i) => ({ key: `k${i}` }))
  await expect(swf.tagResource({ resourceArn, tags: many })).rejects.toMatchObject({ name: 'TooManyTagsFault' })
  await expect(swf.listTagsForResource({ resourceArn: `${resourceArn}x` })).rejects.toMatchObject({
    name: 'UnknownResourceFault',
  })
})

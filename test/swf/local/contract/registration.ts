import { describe, expect, test } from 'vitest'
import { unique } from '../fixture.js'
import type { Contract } from './contract.js'
import { HOUR, SECOND, refused, reply } from './contract.js'

export function registrations({ swf, clock }: Contract): void {
  const arn = (name: string) => `arn:aws:swf:us-east-1:123456789012:/domain/${name}`
  const newDomain = async (retention = '7', given: object = {}) => {
    const name = unique('domain')
    const input = { name, workflowExecutionRetentionPeriodInDays: retention, ...given }
    expect(await reply(swf.registerDomain(input))).toEqual({})
    return name
  }

  test('a domain from RegisterDomain to UndeprecateDomain', async () => {
    const name = await newDomain('90', { description: 'd' })
    const domainInfo = { name, description: 'd', status: 'REGISTERED', arn: arn(name) }
    const configuration = { workflowExecutionRetentionPeriodInDays: '90' }
    expect(await reply(swf.describeDomain({ name }))).toEqual({ domainInfo, configuration })
    const list = async (registrationStatus: 'REGISTERED' | 'DEPRECATED') =>
      (await swf.listDomains({ registrationStatus })).domainInfos!.filter(info => info.name === name)
    expect(await list('REGISTERED')).toEqual([domainInfo])
    await refused(
      swf.registerDomain({ name, workflowExecutionRetentionPeriodInDays: '1' }),
      'DomainAlreadyExistsFault',
      name,
    )
    await refused(swf.undeprecateDomain({ name }), 'DomainAlreadyExistsFault', name)
    expect(await reply(swf.deprecateDomain({ name }))).toEqual({})
    await refused(swf.deprecateDomain({ name }), 'DomainDeprecatedFault', name)
    await refused(swf.registerDomain({ name, workflowExecutionRetentionPeriodInDays: '1' }), 'DomainAlreadyExistsFault')
    await refused(swf.registerActivityType({ domain: name, name: 'A', version: '1' }), 'DomainDeprecatedFault')
    expect(await list('REGISTERED')).toEqual([])
    expect(await list('DEPRECATED')).toEqual([{ ...domainInfo, status: 'DEPRECATED' }])
    expect(await reply(swf.undeprecateDomain({ name }))).toEqual({})
    await swf.registerActivityType({ domain: name, name: 'A', version: '1' })
    for (const action of ['describeDomain', 'deprecateDomain', 'undeprecateDomain'] as const) {
      await refused(swf[action]({ name: 'nowhere' }), 'UnknownResourceFault', /^Unknown domain: nowhere$/)
    }
    for (const [member, value] of [
      ['name', ' padded'],
      ['name', 'padded\t'],
      ['workflowExecutionRetentionPeriodInDays', '91'],
      ['workflowExecutionRetentionPeriodInDays', '-1'],
      ['description', 'x'.repeat(1_025)],
    ] as const) {
      await refused(newDomain('1', { [member]: value }), 'ValidationException', `'${member}'`)
    }
    await newDomain('0')
    await newDomain('NONE')
  })

  test('a domain is tagged by TagResource, up to 50 tags, and untagged by UntagResource', async () => {
    const name = await newDomain('1', { tags: [{ key: 'team', value: 'a' }, { key: 'empty' }] })
    const resourceArn = arn(name)
    const tags = async () => ((await reply(swf.listTagsForResource({ resourceArn }))) as { tags: object[] }).tags
    expect(await tags()).toEqual([{ key: 'team', value: 'a' }, { key: 'empty' }])
    const many = Array.from({ length: 49 }, (_, i) => ({ key: `k${i}` }))
    await refused(swf.tagResource({ resourceArn, tags: many }), 'TooManyTagsFault')
    await refused(newDomain('1', { tags: [...many, { key: 'x' }, { key: 'y' }] }), 'TooManyTagsFault')
    expect(await reply(swf.tagResource({ resourceArn, tags: [{ key: 'team', value: 'é _.:/=+-@' }] }))).toEqual({})
    expect(await reply(swf.untagResource({ resourceArn, tagKeys: ['empty', 'unknown'] }))).toEqual({})
    expect(await tags()).toEqual([{ key: 'team', value: 'é _.:/=+-@' }])
    for (const wrong of [
      [{ key: '' }],
      [{ key: 'x'.repeat(129) }],
      [{ key: 'aws:x' }],
      [{ key: 'x!' }],
      [{ key: 'x', value: 'x'.repeat(257) }],
      [{ key: 'x', value: '#' }],
      [{ key: 'twice' }, { key: 'twice', value: 'v' }],
    ]) {
      await refused(swf.tagResource({ resourceArn, tags: wrong }), 'ValidationException')
    }
    const nowhere = { resourceArn: arn('nowhere') }
    await refused(swf.listTagsForResource(nowhere), 'UnknownResourceFault')
    await refused(swf.tagResource({ ...nowhere, tags: [] }), 'UnknownResourceFault')
    await refused(swf.untagResource({ ...nowhere, tagKeys: [] }), 'UnknownResourceFault')
  })

  describe.each([
    {
      kind: 'Activity',
      defaults: {
        defaultTaskList: { name: 'l' },
        defaultTaskPriority: '-3',
        defaultTaskStartToCloseTimeout: '1',
        defaultTaskScheduleToStartTimeout: '2',
        defaultTaskScheduleToCloseTimeout: 'NONE',
        defaultTaskHeartbeatTimeout: '0',
      },
    },
    {
      kind: 'Workflow',
      defaults: {
        defaultTaskList: { name: 'l' },
        defaultTaskPriority: '+2147483647',
        defaultTaskStartToCloseTimeout: 'NONE',
        defaultExecutionStartToCloseTimeout: '31536000',
        defaultChildPolicy: 'ABANDON',
        defaultLambdaRole: 'arn:role',
      },
    },
  ])('$kind types', ({ kind, defaults }) => {
    const member = kind === 'Activity' ? 'activityType' : 'workflowType'
    const call = (action: string, input: object) =>
      (swf as unknown as Record<string, (input: object) => Promise<object>>)[`${action}${kind}Type`]!(input)
    const list = (
      input: object,
    ): Promise<{ typeInfos: Record<string, { name: string; version: string }>[]; nextPageToken?: string }> =>
      (swf as unknown as Record<string, (input: object) => Promise<never>>)[`list${kind}Types`]!(input)

    test('from Register to Delete', async () => {
      const domain = await newDomain()
      const name = { name: 'T', version: '1' }
      const type = { domain, [member]: name }
      const text = `${kind}Type=[name=T, version=1]`
      const creationDate = new Date(clock.now())
      expect(await reply(call('register', { domain, ...name, description: 'd', ...defaults }))).toEqual({})
      await refused(call('register', { domain, ...name }), 'TypeAlreadyExistsFault', text)
      const typeInfo = { [member]: name, status: 'REGISTERED', description: 'd', creationDate }
      expect(await reply(call('describe', type))).toEqual({ typeInfo, configuration: defaults })
      expect(await reply(list({ domain, registrationStatus: 'REGISTERED' }))).toEqual({ typeInfos: [typeInfo] })
      await refused(call('delete', type), 'TypeNotDeprecatedFault', text)
      await refused(call('undeprecate', type), 'TypeAlreadyExistsFault', text)
      clock.advance(SECOND)
      expect(await reply(call('deprecate', type))).toEqual({})
      await refused(call('deprecate', type), 'TypeDeprecatedFault', text)
      await refused(call('register', { domain, ...name }), 'TypeAlreadyExistsFault', text)
      const deprecated = { ...typeInfo, status: 'DEPRECATED', deprecationDate: new Date(clock.now()) }
      expect(await reply(call('describe', type))).toEqual({ typeInfo: deprecated, configuration: defaults })
      expect(await reply(list({ domain, registrationStatus: 'REGISTERED' }))).toEqual({ typeInfos: [] })
      expect(await reply(list({ domain, registrationStatus: 'DEPRECATED' }))).toEqual({ typeInfos: [deprecated] })
      expect(await reply(call('undeprecate', type))).toEqual({})
      expect(await reply(call('describe', type))).toEqual({ typeInfo, configuration: defaults })
      await swf.deprecateDomain({ name: domain })
      expect(await reply(call('describe', type))).toMatchObject({ typeInfo: { status: 'DEPRECATED' } })
      expect(await reply(call('delete', type))).toEqual({})
      for (const action of ['describe', 'deprecate', 'undeprecate', 'delete']) {
        await refused(call(action, type), 'UnknownResourceFault', `Unknown type: ${text}`)
      }
      await swf.undeprecateDomain({ name: domain })
      expect(await reply(call('register', { domain, ...name }))).toEqual({})
      expect(await reply(call('describe', type))).toMatchObject({ configuration: {} })
      await refused(
        call('register', { domain: 'nowhere', ...name }),
        'UnknownResourceFault',
        /^Unknown domain: nowhere$/,
      )
    })

    test('are listed by name, a page at a time; a page goes on where the last one ended, whatever changes', async () => {
      const domain = await newDomain()
      for (const name of ['b', 'c', 'a'])
        for (const version of ['2', '1']) await call('register', { domain, name, version })
      const read = async (given: object, deprecate = false) => {
        const found: string[] = []
        let nextPageToken: string | undefined
        do {
          const page = await list({ domain, registrationStatus: 'REGISTERED', nextPageToken, ...given })
          for (const info of page.typeInfos) {
            found.push(`${info[member]!.name}${info[member]!.version}`)
            if (deprecate) await call('deprecate', { domain, [member]: info[member] })
          }
          nextPageToken = page.nextPageToken
        } while (nextPageToken)
        return found
      }
      const all = ['a1', 'a2', 'b1', 'b2', 'c1', 'c2']
      expect(await read({})).toEqual(all)
      expect(await read({ maximumPageSize: 4, reverseOrder: true })).toEqual([...all].reverse())
      expect(await read({ name: 'b', maximumPageSize: 1 })).toEqual(['b1', 'b2'])
      expect(await read({ maximumPageSize: 2 }, true)).toEqual(all)
      expect(await read({ registrationStatus: 'DEPRECATED', maximumPageSize: 5 })).toEqual(all)
      const { nextPageToken } = await list({ domain, registrationStatus: 'DEPRECATED', maximumPageSize: 1 })
      clock.advance(24 * HOUR + 1)
      await refused(
        list({ domain, registrationStatus: 'DEPRECATED', nextPageToken }),
        'ValidationException',
        /^Specified token has exceeded its maximum lifetime$/,
      )
    })
  })
}

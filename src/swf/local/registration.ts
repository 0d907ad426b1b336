// Domains, activity types and workflow types: register, describe, list, deprecate, undeprecate, delete, tag.

import type { DomainRecord, RegisteredType, TypeKind } from './domain.js'
import { Domain, byName, typeText } from './domain.js'
import type { Engine } from './engine.js'
import { Fault, unknown, validation } from './fault.js'
import type { Input } from './model.js'
import { pageSize, pageToken, readPageToken } from './token.js'

const ACCOUNT = '123456789012'
const MAX_TAGS = 50

type TypeName = { name: string; version: string }

const arn = (region: string, name: string) => `arn:aws:swf:${region}:${ACCOUNT}:/domain/${name}`

export function registerDomain(engine: Engine, input: Input<'RegisterDomain'>): void {
  const { name, description, workflowExecutionRetentionPeriodInDays: retention, tags = [] } = input
  if (engine.domains.has(name)) throw new Fault('DomainAlreadyExistsFault', name)
  if (engine.domains.size >= engine.quotas.domains) {
    throw new Fault('LimitExceededFault', `An account can have at most ${engine.quotas.domains} domains`)
  }
  const record: DomainRecord = { name, description, retention, status: 'REGISTERED', tags: [] }
  setTags(record, tags)
  engine.domains.set(name, new Domain(record))
  engine.store.putDomain(record)
}

/** Describes a domain, with the ARN that it has in the caller's region. */
export function describeDomain(engine: Engine, { name }: Input<'DescribeDomain'>, region = engine.region): object {
  const { record } = engine.domain(name)
  return {
    domainInfo: domainInfo(region, record),
    configuration: { workflowExecutionRetentionPeriodInDays: record.retention },
  }
}

const domainInfo = (region: string, { name, status, description }: DomainRecord) => ({
  name,
  status,
  description,
  arn: arn(region, name),
})

export function listDomains(engine: Engine, input: Input<'ListDomains'>, region = engine.region): object {
  const records = [...engine.domains.values()]
    .map(({ record }) => record)
    .filter(({ status }) => status === input.registrationStatus)
    .sort(byName)
  const { items, ...next } = listPage(engine, 'domains', records, input)
  return { domainInfos: items.map(record => domainInfo(region, record)), ...next }
}

/** Deprecates a domain and every type in it. Its open executions go on. */
export function deprecateDomain(engine: Engine, { name }: Input<'DeprecateDomain'>): void {
  const domain = engine.domain(name)
  domain.refuseIfDeprecated()
  domain.record.status = 'DEPRECATED'
  engine.store.putDomain(domain.record)
  for (const kind of ['ActivityType', 'WorkflowType'] as const) {
    for (const type of domain.types(kind))
      if (type.status === 'REGISTERED') setStatus(engine, domain, type, 'DEPRECATED')
  }
}

export function undeprecateDomain(engine: Engine, { name }: Input<'UndeprecateDomain'>): void {
  const { record, deprecated } = engine.domain(name)
  if (!deprecated) throw new Fault('DomainAlreadyExistsFault', name)
  record.status = 'REGISTERED'
  engine.store.putDomain(record)
}

export function registerType(
  engine: Engine,
  kind: TypeKind,
  {
    domain: domainName,
    name,
    version,
    description,
    ...defaults
  }: Input<'RegisterActivityType' | 'RegisterWorkflowType'>,
): void {
  const domain = engine.domain(domainName)
  domain.refuseIfDeprecated()
  if (domain.findType(kind, { name, version })) {
    throw new Fault('TypeAlreadyExistsFault', typeText(kind, { name, version }))
  }
  if (domain.countTypes(kind) >= engine.quotas.types) {
    throw new Fault('LimitExceededFault', `A domain can have at most ${engine.quotas.types} types of a kind`)
  }
  const createdAt = engine.now()
  const type: RegisteredType = { kind, name, version, description, createdAt, status: 'REGISTERED', defaults }
  domain.putType(type)
  engine.store.putType(domain.name, type)
}

export function describeType(engine: Engine, domain: string, kind: TypeKind, name: TypeName): object {
  const type = engine.domain(domain).type(kind, name)
  return { typeInfo: typeInfo(type), configuration: type.defaults }
}

function typeInfo({ kind, name, version, status, description, createdAt, deprecatedAt }: RegisteredType): object {
  return {
    [kind === 'ActivityType' ? 'activityType' : 'workflowType']: { name, version },
    status,
    description,
    creationDate: createdAt / 1_000,
    deprecationDate: deprecatedAt === undefined ? undefined : deprecatedAt / 1_000,
  }
}

export function listTypes(engine: Engine, kind: TypeKind, input: Input<'ListActivityTypes'>): object {
  const types = engine
    .domain(input.domain)
    .types(kind)
    .filter(({ name, status }) => status === input.registrationStatus && (!input.name || name === input.name))
  const { items, ...next } = listPage(engine, kind, types, input)
  return { typeInfos: items.map(typeInfo), ...next }
}

export function deprecateType(engine: Engine, domainName: string, kind: TypeKind, name: TypeName): void {
  const domain = engine.domain(domainName)
  const type = domain.type(kind, name)
  if (type.status === 'DEPRECATED') throw new Fault('TypeDeprecatedFault', typeText(kind, name))
  setStatus(engine, domain, type, 'DEPRECATED')
}

export function undeprecateType(engine: Engine, domainName: string, kind: TypeKind, name: TypeName): void {
  const domain = engine.domain(domainName)
  const type = domain.type(kind, name)
  if (type.status === 'REGISTERED') throw new Fault('TypeAlreadyExistsFault', typeText(kind, name))
  setStatus(engine, domain, type, 'REGISTERED')
}

function setStatus(engine: Engine, domain: Domain, type: RegisteredType, status: RegisteredType['status']): void {
  type.status = status
  type.deprecatedAt = status === 'DEPRECATED' ? engine.now() : undefined
  engine.store.putType(domain.name, type)
}

export function deleteType(engine: Engine, domainName: string, kind: TypeKind, name: TypeName): void {
  const domain = engine.domain(domainName)
  const type = domain.type(kind, name)
  if (type.status !== 'DEPRECATED') throw new Fault('TypeNotDeprecatedFault', typeText(kind, name))
  domain.deleteType(type)
  engine.store.deleteType(domain.name, type)
}

function setTags(record: DomainRecord, tags: DomainRecord['tags']): void {
  if (new Set(tags.map(({ key }) => key)).size < tags.length) throw validation('Duplicate tag keys')
  const byKey = new Map([...record.tags, ...tags].map(tag => [tag.key, tag]))
  if (byKey.size > MAX_TAGS) throw new Fault('TooManyTagsFault', `A domain can have at most ${MAX_TAGS} tags`)
  record.tags = [...byKey.values()]
}

function tagged(engine: Engine, resourceArn: string): DomainRecord {
  const [, region = '', name = ''] = /^arn:aws:swf:([a-z0-9-]+):\d+:\/domain\/(.*)$/s.exec(resourceArn) ?? []
  const domain = engine.domains.get(name)
  if (!domain || arn(region, name) !== resourceArn) throw unknown(`resource: ${resourceArn}`)
  return domain.record
}

export const listTags = (engine: Engine, { resourceArn }: Input<'ListTagsForResource'>): object => ({
  tags: tagged(engine, resourceArn).tags,
})

export function tag(engine: Engine, { resourceArn, tags }: Input<'TagResource'>): void {
  const record = tagged(engine, resourceArn)
  setTags(record, tags)
  engine.store.putDomain(record)
}

export function untag(engine: Engine, { resourceArn, tagKeys }: Input<'UntagResource'>): void {
  const record = tagged(engine, resourceArn)
  record.tags = record.tags.filter(({ key }) => !tagKeys.includes(key))
  engine.store.putDomain(record)
}

/** Returns a page of a list that is sorted by name; its token names the last item of the page before. */
function listPage<T extends { readonly name: string; readonly version?: string }>(
  engine: Engine,
  list: string,
  items: readonly T[],
  input: Pick<Input<'ListDomains'>, 'nextPageToken' | 'maximumPageSize' | 'reverseOrder'>,
): { items: T[]; nextPageToken?: string } {
  const [name, version] = (readPageToken(list, input.nextPageToken, engine.now()) ?? []) as string[]
  const way = input.reverseOrder ? -1 : 1
  const ordered = input.reverseOrder ? [...items].reverse() : items
  const rest =
    name === undefined ? ordered : ordered.filter(item => byName(item, { name, version: version ?? '' }) * way > 0)
  const page = rest.slice(0, pageSize(input.maximumPageSize))
  const last = page.at(-1)
  if (!last || page.length === rest.length) return { items: page }
  return { items: page, nextPageToken: pageToken(list, [last.name, last.version ?? ''], engine.now()) }
}

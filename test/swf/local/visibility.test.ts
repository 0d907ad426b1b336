import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { DOMAIN, activityType, decide, openFixture, unique, workflowType } from './fixture.js'

const directory = mkdtempSync(join(tmpdir(), 'local-swf-'))
afterAll(() => rmSync(directory, { recursive: true }))

describe.each([
  ['in memory', {}],
  ['on disk', { data: directory }],
])('%s', async (_store, options) => {
  const { swf, start, close } = await openFixture(options)
  afterAll(close)
  const since = { oldestDate: new Date(0) }
  const sleep = () => new Promise(resolve => setTimeout(resolve, 3))

  const pages = async (list: (nextPageToken?: string) => Promise<object>) => {
    const found: string[] = []
    let page: { executionInfos?: { execution?: { workflowId?: string } }[]; nextPageToken?: string }
    let nextPageToken: string | undefined
    let count = 0
    do {
      page = await list(nextPageToken)
      found.push(...page.executionInfos!.map(info => info.execution!.workflowId!))
      nextPageToken = page.nextPageToken
      count++
    } while (nextPageToken)
    return { found, count }
  }
  const open = async (given: object = {}) =>
    (
      await pages(nextPageToken =>
        swf.listOpenWorkflowExecutions({ domain: DOMAIN, startTimeFilter: since, nextPageToken, ...given }),
      )
    ).found
  const closed = async (given: object = {}) =>
    (
      await pages(nextPageToken =>
        swf.listClosedWorkflowExecutions({
          domain: DOMAIN,
          ...('startTimeFilter' in given ? {} : { closeTimeFilter: since }),
          nextPageToken,
          ...given,
        }),
      )
    ).found

  test('executions are listed and counted by time, type, tag, id and close status', async () => {
    const other = { name: unique('Other'), version: '2' }
    await swf.registerWorkflowType({ domain: DOMAIN, ...other })
    const timeouts = { executionStartToCloseTimeout: '60', taskStartToCloseTimeout: '60', childPolicy: 'ABANDON' }
    const a = await start({ tagList: ['red', 'big'] })
    await sleep()
    const b = await start({ workflowType: other, ...timeouts, tagList: ['red'] })
    await sleep()
    const c = await start()
    const ids = [a, b, c].map(run => run.workflowId)
    expect(await open()).toEqual([...ids].reverse())
    expect(await open({ reverseOrder: true })).toEqual(ids)
    expect(await open({ reverseOrder: true, maximumPageSize: 1 })).toEqual(ids)
    expect(await open({ maximumPageSize: 2 })).toEqual([...ids].reverse())
    expect(await open({ tagFilter: { tag: 'red' } })).toEqual([b.workflowId, a.workflowId])
    expect(await open({ typeFilter: { name: other.name } })).toEqual([b.workflowId])
    expect(await open({ typeFilter: { name: other.name, version: '1' } })).toEqual([])
    expect(await open({ executionFilter: { workflowId: a.workflowId } })).toEqual([a.workflowId])
    const started = (await b.describe()).executionInfo!.startTimestamp!
    expect(await open({ startTimeFilter: { oldestDate: started } })).toEqual([c.workflowId, b.workflowId])
    expect(await open({ startTimeFilter: { oldestDate: new Date(0), latestDate: started } })).toEqual([
      b.workflowId,
      a.workflowId,
    ])
    const count = { domain: DOMAIN, startTimeFilter: since }
    expect(await swf.countOpenWorkflowExecutions(count)).toMatchObject({ count: 3, truncated: false })
    expect(await swf.countOpenWorkflowExecutions({ ...count, tagFilter: { tag: 'big' } })).toMatchObject({ count: 1 })

    await b.decide(decide.complete())
    await sleep()
    await a.decide(decide.fail())
    await sleep()
    await c.terminate()
    expect(await open()).toEqual([])
    const byClose = [c, a, b].map(run => run.workflowId)
    expect(await closed()).toEqual(byClose)
    expect(await closed({ maximumPageSize: 1 })).toEqual(byClose)
    expect(await closed({ maximumPageSize: 2, reverseOrder: true })).toEqual([...byClose].reverse())
    expect(await closed({ startTimeFilter: since })).toEqual([...ids].reverse())
    expect(await closed({ startTimeFilter: since, maximumPageSize: 1, reverseOrder: true })).toEqual(ids)
    expect(await closed({ startTimeFilter: { oldestDate: started, latestDate: started } })).toEqual([b.workflowId])
    expect(await closed({ closeStatusFilter: { status: 'FAILED' } })).toEqual([a.workflowId])
    expect(await closed({ tagFilter: { tag: 'red' } })).toEqual([a.workflowId, b.workflowId])
    expect(await closed({ typeFilter: other })).toEqual([b.workflowId])
    expect(await closed({ executionFilter: { workflowId: c.workflowId } })).toEqual([c.workflowId])
    const counted = await swf.countClosedWorkflowExecutions({
      domain: DOMAIN,
      startTimeFilter: since,
      tagFilter: { tag: 'red' },
    })
    expect(counted).toMatchObject({ count: 2, truncated: false })
  })

  test('filters exclude each other, and closed executions need one of the two times', async () => {
    const filters = { typeFilter: { name: 'x' }, tagFilter: { tag: 'y' } }
    const refused = { name: 'ValidationException' }
    await expect(open(filters)).rejects.toMatchObject(refused)
    await expect(closed(filters)).rejects.toMatchObject(refused)
    await expect(closed({ startTimeFilter: since, closeTimeFilter: since })).rejects.toMatchObject(refused)
    await expect(swf.listClosedWorkflowExecutions({ domain: DOMAIN })).rejects.toMatchObject(refused)
    await expect(open({ nextPageToken: 'nonsense' })).rejects.toMatchObject(refused)
    await expect(open({ domain: 'nowhere' })).rejects.toMatchObject({ name: 'UnknownResourceFault' })
  })

  test('an execution is described, open and closed', async () => {
    const run = await start({ tagList: ['t'], taskPriority: '3' })
    await run.decide(decide.schedule('a'), decide.timer('t', '60'))
    const described = await run.describe()
    expect(described).toMatchObject({
      executionInfo: {
        execution: run.execution,
        workflowType,
        executionStatus: 'OPEN',
        tagList: ['t'],
        cancelRequested: false,
      },
      executionConfiguration: {
        taskStartToCloseTimeout: '30',
        executionStartToCloseTimeout: '600',
        taskList: { name: run.list },
        taskPriority: '3',
        childPolicy: 'TERMINATE',
      },
      openCounts: {
        openActivityTasks: 1,
        openDecisionTasks: 0,
        openTimers: 1,
        openChildWorkflowExecutions: 0,
        openLambdaFunctions: 0,
      },
      latestActivityTaskTimestamp: expect.any(Date) as Date,
    })
    expect(described.latestExecutionContext).toBeUndefined()
    await run.terminate()
    const after = await run.describe()
    expect(after.executionInfo).toMatchObject({
      executionStatus: 'CLOSED',
      closeStatus: 'TERMINATED',
      closeTimestamp: expect.any(Date) as Date,
      cancelRequested: false,
    })
    expect(after.executionConfiguration).toEqual(described.executionConfiguration)
  })

  test('a history is read a page at a time, either way, open and closed', async () => {
    const run = await start()
    await run.decide(...Array.from({ length: 5 }, (_, i) => decide.marker(`m${i}`)))
    await run.signal()
    await run.decide(decide.schedule('a', { activityType }))
    const read = async (reverseOrder: boolean) => {
      const ids: number[] = []
      let nextPageToken: string | undefined
      do {
        const page = await swf.getWorkflowExecutionHistory({
          domain: DOMAIN,
          execution: run.execution,
          maximumPageSize: 4,
          reverseOrder,
          nextPageToken,
        })
        ids.push(...page.events!.map(event => event.eventId!))
        nextPageToken = page.nextPageToken
      } while (nextPageToken)
      return ids
    }
    const check = async () => {
      const whole = (await run.history()).map(event => event.eventId)
      expect(await read(false)).toEqual(whole)
      expect(await read(true)).toEqual([...whole].reverse())
      return whole.length
    }
    expect(await check()).toBe(14)
    await run.terminate()
    expect(await check()).toBe(15)
  })
})

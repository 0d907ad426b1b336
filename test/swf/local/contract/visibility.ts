import { expect, test } from 'vitest'
import type { Run } from '../fixture.js'
import { DOMAIN, decide, unique, workflowType } from '../fixture.js'
import type { Contract } from './contract.js'
import { DAY, SECOND, refused, reply } from './contract.js'

export function visibilities({ swf, clock, start }: Contract): void {
  test('ListOpen, CountOpen, ListClosed and CountClosedWorkflowExecutions find what a filter finds', async () => {
    const since = new Date(clock.now())
    const at = (seconds: number) => new Date(since.getTime() + seconds * SECOND)
    const tag = unique('tag')
    const runs: Run[] = []
    for (let i = 0; i < 6; i++) {
      runs.push(await start(i === 0 ? {} : { tagList: [tag, `${i}`] }))
      clock.advance(SECOND)
    }
    const info = (i: number, more: object = {}) => ({
      execution: runs[i]!.execution,
      workflowType,
      startTimestamp: at(i),
      executionStatus: 'OPEN',
      ...(i > 0 && { tagList: [tag, `${i}`] }),
      cancelRequested: false,
      ...more,
    })
    await swf.requestCancelWorkflowExecution({ domain: DOMAIN, workflowId: runs[2]!.workflowId })
    const open = { domain: DOMAIN, startTimeFilter: { oldestDate: since } }
    expect(await reply(swf.listOpenWorkflowExecutions(open))).toEqual({
      executionInfos: [5, 4, 3, 2, 1, 0].map(i => info(i, { cancelRequested: i === 2 })),
    })
    const opened = async (given: object) => {
      const { executionInfos } = await swf.listOpenWorkflowExecutions({ ...open, ...given })
      const { count, truncated } = await swf.countOpenWorkflowExecutions({ ...open, ...given })
      expect([count, truncated]).toEqual([executionInfos!.length, false])
      return executionInfos!.map(({ execution }) => runs.findIndex(run => run.workflowId === execution!.workflowId))
    }
    expect(await opened({ startTimeFilter: { oldestDate: at(1), latestDate: at(3) } })).toEqual([3, 2, 1])
    expect(await opened({ reverseOrder: true, tagFilter: { tag } })).toEqual([1, 2, 3, 4, 5])
    expect(await opened({ typeFilter: { name: workflowType.name } })).toHaveLength(6)
    expect(await opened({ typeFilter: { name: workflowType.name, version: '2' } })).toEqual([])
    expect(await opened({ executionFilter: { workflowId: runs[4]!.workflowId } })).toEqual([4])

    const ends = [
      ['COMPLETED', () => runs[0]!.decide(decide.complete())],
      ['FAILED', () => runs[1]!.decide(decide.fail())],
      ['CANCELED', () => runs[2]!.decide(decide.cancel())],
      ['TERMINATED', () => runs[3]!.terminate()],
      ['CONTINUED_AS_NEW', () => runs[4]!.decide(decide.continueAsNew({ taskList: { name: runs[4]!.list } }))],
      ['TIMED_OUT', () => clock.advance(599 * SECOND)],
    ] as const
    // Closed in the reverse order of their starts, but for the last, which times out.
    for (const i of [4, 3, 2, 1, 0, 5]) {
      await ends[i]![1]()
      if (i !== 5) clock.advance(1)
    }
    const closed = { domain: DOMAIN, closeTimeFilter: { oldestDate: since } }
    const list = async (given: object) => {
      const { executionInfos } = await swf.listClosedWorkflowExecutions({ ...closed, ...given })
      const { count } = await swf.countClosedWorkflowExecutions({ ...closed, ...given })
      const mine = executionInfos!.filter(({ execution }) => runs.some(run => run.runId === execution!.runId))
      expect(count).toBe(executionInfos!.length)
      return mine.map(({ execution }) => runs.findIndex(run => run.runId === execution!.runId))
    }
    const byStart = { closeTimeFilter: undefined, startTimeFilter: { oldestDate: since } }
    expect(await list({})).toEqual([5, 0, 1, 2, 3, 4])
    expect(await list({ reverseOrder: true })).toEqual([4, 3, 2, 1, 0, 5])
    expect(await list(byStart)).toEqual([5, 4, 3, 2, 1, 0])
    expect(await list({ tagFilter: { tag } })).toEqual([5, 1, 2, 3, 4])
    expect(await list({ executionFilter: { workflowId: runs[0]!.workflowId } })).toEqual([0])
    for (const [i, [status]] of ends.entries()) {
      expect(await list({ closeStatusFilter: { status } })).toContain(i)
      const found = await swf.listClosedWorkflowExecutions({
        ...closed,
        executionFilter: { workflowId: runs[i]!.workflowId },
        reverseOrder: true,
      })
      const closeTimestamp = (await runs[i]!.history()).at(-1)!.eventTimestamp
      expect(found.executionInfos![0]).toEqual(
        info(i, { executionStatus: 'CLOSED', closeStatus: status, closeTimestamp }),
      )
    }
  })

  test('filters exclude each other, and so do the two times', async () => {
    const oldestDate = new Date(0)
    const one = { typeFilter: { name: 'x' } }
    const others = [{ tagFilter: { tag: 'x' } }, { executionFilter: { workflowId: 'x' } }]
    const open = { domain: DOMAIN, startTimeFilter: { oldestDate } }
    for (const other of others) {
      await refused(swf.listOpenWorkflowExecutions({ ...open, ...one, ...other }), 'ValidationException')
      await refused(swf.countOpenWorkflowExecutions({ ...open, ...one, ...other }), 'ValidationException')
    }
    const status = { closeStatusFilter: { status: 'FAILED' as const } }
    for (const other of [...others, one]) {
      await refused(swf.listClosedWorkflowExecutions({ ...open, ...status, ...other }), 'ValidationException')
      await refused(swf.countClosedWorkflowExecutions({ ...open, ...status, ...other }), 'ValidationException')
    }
    for (const times of [{}, { startTimeFilter: { oldestDate }, closeTimeFilter: { oldestDate } }]) {
      await refused(swf.listClosedWorkflowExecutions({ domain: DOMAIN, ...times }), 'ValidationException')
      await refused(swf.countClosedWorkflowExecutions({ domain: DOMAIN, ...times }), 'ValidationException')
    }
    await refused(
      swf.listOpenWorkflowExecutions({ domain: DOMAIN } as never),
      'ValidationException',
      "'startTimeFilter'",
    )
    const { executionInfos } = await swf.listOpenWorkflowExecutions({ ...open, executionFilter: { workflowId: 'x' } })
    expect(executionInfos).toEqual([])
  })

  test('a page token is for its list, and lives for 24 hours', async () => {
    const startTimeFilter = { oldestDate: new Date(clock.now()) }
    const runs = [await start(), await start()]
    const first = { domain: DOMAIN, startTimeFilter, maximumPageSize: 1 }
    const open = await swf.listOpenWorkflowExecutions(first)
    for (const run of runs) await run.terminate()
    const closed = await swf.listClosedWorkflowExecutions(first)
    const next = (page: { nextPageToken?: string | undefined }) => ({ ...first, nextPageToken: page.nextPageToken })
    expect((await swf.listClosedWorkflowExecutions(next(closed))).executionInfos).toHaveLength(1)
    expect((await swf.listClosedWorkflowExecutions(next(closed))).nextPageToken).toBeUndefined()
    expect((await swf.listOpenWorkflowExecutions(next(open))).executionInfos).toEqual([])
    await refused(swf.listOpenWorkflowExecutions(next(closed)), 'ValidationException', /^Invalid token$/)
    clock.advance(DAY + 1)
    const expired = /^Specified token has exceeded its maximum lifetime$/
    await refused(swf.listOpenWorkflowExecutions(next(open)), 'ValidationException', expired)
    await refused(swf.listClosedWorkflowExecutions(next(closed)), 'ValidationException', expired)
  })

  test('a closed execution is kept for the days of its domain', async () => {
    const keep = async (workflowExecutionRetentionPeriodInDays: string) => {
      const domain = unique('domain')
      await swf.registerDomain({ name: domain, workflowExecutionRetentionPeriodInDays })
      await swf.registerWorkflowType({ domain, name: 'W', version: '1' })
      const { runId } = await swf.startWorkflowExecution({
        domain,
        workflowId: 'w',
        workflowType: { name: 'W', version: '1' },
        taskList: { name: 'l' },
        taskStartToCloseTimeout: '1',
        executionStartToCloseTimeout: '1',
        childPolicy: 'ABANDON',
      })
      await swf.terminateWorkflowExecution({ domain, workflowId: 'w' })
      const closed = { domain, closeTimeFilter: { oldestDate: new Date(0) } }
      return async () => {
        const { count } = await swf.countClosedWorkflowExecutions(closed)
        const described = swf.describeWorkflowExecution({ domain, execution: { workflowId: 'w', runId } })
        if (count === 0) await refused(described, 'UnknownResourceFault')
        else await described
        return count
      }
    }
    const [none, zero, two] = [await keep('NONE'), await keep('0'), await keep('2')]
    expect([await none(), await zero(), await two()]).toEqual([0, 0, 1])
    clock.advance(2 * DAY - SECOND)
    expect(await two()).toBe(1)
    clock.advance(DAY / 12)
    expect(await two()).toBe(0)
  })
}

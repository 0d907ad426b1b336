import { describe, expect, test } from 'vitest'
import { createSwfClient, type DecisionTask } from '../../src/swf/client.js'
import { completeDecisionTask, historyPages, readHistory } from '../../src/swf/history.js'

const execution = { workflowId: 'order', runId: 'run' }

/** A SWF with one history of `events()` events, and every call made to it. */
function swfWith(events: () => number) {
  const calls: Record<string, unknown>[] = []
  const swf = createSwfClient({
    transport: async (action, input) => {
      const { nextPageToken, maximumPageSize = 1_000, reverseOrder } = input as Record<string, never>
      calls.push({ action, ...input })
      const ids = Array.from({ length: events() }, (_, i) => i + 1)
      if (reverseOrder) ids.reverse()
      const from = Number(nextPageToken ?? 0)
      const end = from + Number(maximumPageSize)
      return {
        events: ids
          .slice(from, end)
          .map(eventId => ({ eventId, eventType: 'MarkerRecorded', eventTimestamp: eventId })),
        ...(end < ids.length && { nextPageToken: String(end) }),
      }
    },
  })
  return { swf, calls }
}
const ids = (events: { eventId: number }[]) => events.map(({ eventId }) => eventId)
const upTo = (n: number, from = 1) => Array.from({ length: n - from + 1 }, (_, i) => from + i)

describe('historyPages', () => {
  test('reads pages, forward or backward, and no more of them than are wanted', async () => {
    const { swf, calls } = swfWith(() => 5)
    const pages = []
    for await (const page of historyPages(swf, 'shop', execution, { pageSize: 2 })) pages.push(ids(page))
    expect(pages).toEqual([[1, 2], [3, 4], [5]])
    calls.length = 0
    for await (const page of historyPages(swf, 'shop', execution, { pageSize: 2, reverse: true })) {
      expect(ids(page)).toEqual([5, 4])
      break
    }
    expect(calls).toEqual([
      { action: 'GetWorkflowExecutionHistory', domain: 'shop', execution, maximumPageSize: 2, reverseOrder: true },
    ])
  })
})

describe('readHistory', () => {
  test('reads the whole, cuts it off, and reads its end backwards', async () => {
    const { swf, calls } = swfWith(() => 2_345)
    expect(ids(await readHistory(swf, 'shop', execution))).toEqual(upTo(2_345))
    expect(calls).toHaveLength(3)
    expect(ids(await readHistory(swf, 'shop', execution, { upTo: 1_234 }))).toEqual(upTo(1_234))
    expect(calls).toHaveLength(5)
    expect(ids(await readHistory(swf, 'shop', execution, { after: 2_320 }))).toEqual(upTo(2_345, 2_321))
    expect(ids(await readHistory(swf, 'shop', execution, { after: 2_320, upTo: 2_330 }))).toEqual(upTo(2_330, 2_321))
    expect(calls).toHaveLength(7)
    expect(await readHistory(swf, 'shop', execution, { after: 2_345 })).toEqual([])
  })

  test('waits for an event that SWF does not show yet, and says so when it does not come', async () => {
    let shown = 3
    const { swf } = swfWith(() => shown++)
    expect(ids(await readHistory(swf, 'shop', execution, { upTo: 5 }))).toEqual(upTo(5))
    await expect(readHistory(swf, 'shop', execution, { upTo: 100, patience: 100 })).rejects.toMatchObject({
      code: 'HISTORY_INCOMPLETE',
      wanted: 100,
    })
  })
})

describe('completeDecisionTask', () => {
  test('follows the pages of a polled task through the poll, and asks again for one that was lost', async () => {
    const { swf: pages, calls } = swfWith(() => 25)
    let refused = 0
    const swf = {
      ...pages,
      pollForDecisionTask: async (input: object) => {
        if (refused++ === 1)
          throw (await import('../../src/swf/errors.js')).swfFault('PollForDecisionTask', 'lost', 'lost')
        return pages.pollForDecisionTask(input as never)
      },
    } as typeof pages
    const events = upTo(10).map(eventId => ({ eventId }))
    const task = { taskToken: 't', events, nextPageToken: '10' } as unknown as DecisionTask
    const all = await completeDecisionTask(swf, 'shop', 'orders', task, 'me', { maximumPageSize: 10 })
    expect(ids(all)).toEqual(upTo(25))
    expect(calls[0]).toEqual({
      action: 'PollForDecisionTask',
      domain: 'shop',
      taskList: { name: 'orders' },
      identity: 'me',
      nextPageToken: '10',
      maximumPageSize: 10,
    })
    expect(task.events).toHaveLength(10)
  })

  test('is done at once with a task of one page', async () => {
    const { swf, calls } = swfWith(() => 3)
    const task = { taskToken: 't', events: [{ eventId: 1 }] } as unknown as DecisionTask
    expect(ids(await completeDecisionTask(swf, 'shop', 'orders', task, undefined))).toEqual([1])
    expect(calls).toEqual([])
  })
})

// The rules that every history of SWF keeps, run on every history that a test produces.

import { checkHistory, type CheckedEvent } from '../../src/swf/history-check.js'
import type { LocalSwf } from '../../src/swf/local/index.js'

export { HistoryChecker, checkHistory, type CheckedEvent } from '../../src/swf/history-check.js'

/** Checks the history of every execution that a local SWF holds; throws what is wrong with them. Returns how many there are. */
export async function checkAllHistories({ call, faults }: Pick<LocalSwf, 'call' | 'faults'>): Promise<number> {
  faults.clear()
  const violations: string[] = []
  let checked = 0
  for (const registrationStatus of ['REGISTERED', 'DEPRECATED']) {
    for await (const { name: domain } of pages<{ name: string }>(
      'ListDomains',
      { registrationStatus },
      'domainInfos',
    )) {
      const startTimeFilter = { oldestDate: 0 }
      for (const list of ['ListOpenWorkflowExecutions', 'ListClosedWorkflowExecutions']) {
        const infos = pages<{ execution: { workflowId: string } }>(list, { domain, startTimeFilter }, 'executionInfos')
        for await (const { execution } of infos) {
          const events: CheckedEvent[] = []
          const history = pages<CheckedEvent>('GetWorkflowExecutionHistory', { domain, execution }, 'events')
          for await (const event of history) events.push(event)
          for (const violation of checkHistory(events)) violations.push(`${execution.workflowId}: ${violation}`)
          checked++
        }
      }
    }
  }
  if (violations.length > 0) throw new Error(`Histories break SWF's rules:\n${violations.slice(0, 20).join('\n')}`)
  return checked

  async function* pages<T>(action: string, input: object, member: string): AsyncGenerator<T> {
    let nextPageToken: string | undefined
    do {
      const page = (await call(action, { ...input, nextPageToken })) as { nextPageToken?: string } & Record<string, T[]>
      yield* page[member] ?? []
      nextPageToken = page.nextPageToken
    } while (nextPageToken)
  }
}

// What a decider has to do: executions that are started one after the other, and activities that are done at once.

import { step, DOMAIN } from './workflows.js'

type Call = (action: string, input: object) => Promise<unknown>

let executions = 0

/** Registers a load's task lists by name: each client has one for the activities of its executions. */
export async function run(call: Call, taskList: string, { clients, ms, steps }: Load): Promise<void> {
  const until = performance.now() + ms
  const client = async (n: number) => {
    const list = `${taskList}-${n}`
    do {
      await call('StartWorkflowExecution', {
        domain: DOMAIN,
        workflowId: `w${++executions}`,
        workflowType: { name: 'Sequence', version: '1' },
        taskList: { name: taskList },
        input: JSON.stringify({ steps, list }),
        executionStartToCloseTimeout: '86400',
        taskStartToCloseTimeout: '30',
        childPolicy: 'TERMINATE',
      })
      for (let done = 0; done < steps; done++) {
        const { taskToken } = (await call('PollForActivityTask', { domain: DOMAIN, taskList: { name: list } })) as {
          taskToken: string
        }
        if (!taskToken) throw new Error(`${step.name} was not scheduled`)
        await call('RespondActivityTaskCompleted', { taskToken, result: '17' })
      }
    } while (performance.now() < until)
  }
  await Promise.all(Array.from({ length: clients }, (_, n) => client(n)))
}

export interface Load {
  clients: number
  /** How long executions are started, in milliseconds. */
  ms: number
  /** Activities of an execution. */
  steps: number
}

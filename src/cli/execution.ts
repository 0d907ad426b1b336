import { writeFileSync } from 'node:fs'
import { Command } from 'commander'
import type { SwfClient } from '../swf/client.js'
import { readHistory } from '../swf/history.js'
import { writeHistoryFile } from '../swf/history-file.js'
import type { WorkflowExecution } from '../swf/history-event.js'
import { option, swfClient, withSwf, type SwfConfig } from './config.js'
import { CliError } from './error.js'

type Config = SwfConfig & { workflowId: string; runId?: string; out?: string }

export function executionCommand(): Command {
  return new Command('execution').addCommand(historyCommand())
}

function historyCommand(): Command {
  const command = new Command('history').description('write the history of an execution as JSON').addHelpText(
    'after',
    `
Example:
  swf-gateway execution history --domain orders --workflow-id order-17 --out test/histories/order-17.json`,
  )
  withSwf(command)
    .addOption(option('--workflow-id <id>', 'whose history').makeOptionMandatory())
    .addOption(option('--run-id <id>', 'which run; without it the open one, else the last that closed'))
    .addOption(option('--out <file>', 'where to write it; without it to the standard output'))
  return command.action(async (config: Config) => {
    const swf = swfClient(config)
    const { domain, workflowId, out } = config
    const execution = config.runId ? { workflowId, runId: config.runId } : await lastRun(swf, domain, workflowId)
    const events = await readHistory(swf, domain, execution)
    swf.close()
    const [first] = events
    if (first?.eventType !== 'WorkflowExecutionStarted') throw new CliError('NOT_FOUND', 'SWF shows no history')
    const { workflowType } = first.workflowExecutionStartedEventAttributes
    const text = writeHistoryFile({ execution, workflowType, events })
    if (out === undefined) process.stdout.write(text)
    else {
      writeFileSync(out, text)
      console.log(`${out}: ${events.length} events of ${workflowId}, run ${execution.runId}`)
    }
  })
}

/** Finds the open run of a workflowId, else the one that closed last. */
async function lastRun(swf: SwfClient, domain: string, workflowId: string): Promise<WorkflowExecution> {
  const given = {
    domain,
    startTimeFilter: { oldestDate: new Date(0) },
    executionFilter: { workflowId },
    maximumPageSize: 1,
  }
  const open = await swf.listOpenWorkflowExecutions(given)
  const found = open.executionInfos?.[0] ?? (await swf.listClosedWorkflowExecutions(given)).executionInfos?.[0]
  if (!found) throw new CliError('NOT_FOUND', `There is no execution ${workflowId} in domain ${domain}`)
  return found.execution as WorkflowExecution
}

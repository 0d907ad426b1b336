import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Command } from 'commander'
import { readHistory } from '../swf/history.js'
import { writeHistoryFile } from '../swf/history-file.js'
import { option, swfClient, withSwf, type SwfConfig } from './config.js'
import { CliError } from './error.js'
import { lastRun } from './last-run.js'
import { pendingCommand } from './pending.js'

type Config = SwfConfig & { workflowId: string; runId?: string; out?: string }

export function executionCommand(): Command {
  return new Command('execution').addCommand(pendingCommand()).addCommand(historyCommand())
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
      mkdirSync(dirname(out), { recursive: true })
      writeFileSync(out, text)
      console.log(`${out}: ${events.length} events of ${workflowId}, run ${execution.runId}`)
    }
  })
}

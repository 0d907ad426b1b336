import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Command } from 'commander'
import type { SwfClient } from '../swf/client.js'
import { readHistory } from '../swf/history.js'
import { readHistoryFile, type HistoryFile } from '../swf/history-file.js'
import type { WorkflowDefinition } from '../workflow/definition.js'
import { replay } from '../workflow/replay/replay.js'
import { loadApp, withApp } from './app.js'
import { integer, option, swfClient, withSwf, type SwfConfig } from './config.js'
import { CliError } from './error.js'

type Config = SwfConfig & { app: string; histories?: string; open?: boolean; limit?: number }

/** How many histories of open executions are read at a time: SWF lets an account read 60 a second. */
const AT_A_TIME = 4

export function replayCommand(): Command {
  const command = new Command('replay').addHelpText(
    'after',
    `
Says whether the workflows of an app still fit histories that were recorded before it was changed: every decision is made
again and compared with the one that was recorded. Exit code 0 when all fit, 1 when one does not, 2 when there is none.

Examples:
  swf-gateway replay --app dist/app.js --histories test/histories     in every build, against recorded histories
  swf-gateway replay --app dist/app.js --open --domain orders         before a deployment, against what is open now`,
  )
  withSwf(withApp(command))
    .addOption(option('--histories <path>', 'a file, or a directory of *.json, that `execution history --out` wrote'))
    .option('--open', 'the open executions of the domain')
    .addOption(option('--limit <n>', 'of the open executions only the newest so many').argParser(integer(1)))
  return command.action(async (config: Config) => {
    const { histories, open } = config
    if ((histories === undefined) === !open) throw new CliError('USAGE', 'Give --histories or --open', 2)
    const { workflows } = await loadApp(config.app)
    const counts = { fits: 0, differs: 0 }
    const judge = async (name: string, read: () => Promise<HistoryFile> | HistoryFile) => {
      const { fits, text } = await judged(workflows, name, read)
      counts[fits ? 'fits' : 'differs']++
      ;(fits ? console.log : console.error)(text)
    }
    if (histories !== undefined) {
      for (const file of filesOf(histories)) {
        const name = relative(process.cwd(), file)
        await judge(name, () => readHistoryFile(readFileSync(file, 'utf8')))
      }
    } else {
      const swf = swfClient(config)
      await judgeOpen(swf, config, judge)
      swf.close()
    }
    if (counts.fits + counts.differs === 0) throw new CliError('NO_HISTORIES', 'There is no history to replay', 2)
    console.log(`${counts.fits} fit, ${counts.differs} do not`)
    process.exitCode = counts.differs > 0 ? 1 : 0
  })
}

/** Replays one history against the workflow of its type. */
async function judged(
  workflows: readonly WorkflowDefinition[],
  name: string,
  read: () => Promise<HistoryFile> | HistoryFile,
): Promise<{ fits: boolean; text: string }> {
  let file: HistoryFile
  try {
    file = await read()
  } catch (error) {
    return { fits: false, text: `BROKEN   ${name}: ${(error as Error).message}` }
  }
  try {
    const { workflowType, events } = file
    const type = `${workflowType.name} ${workflowType.version}`
    const definition = workflows.find(it => it.name === workflowType.name && it.version === workflowType.version)
    if (!definition) return { fits: false, text: `DIFFERS  ${name}: the app has no workflow ${type}` }
    const turn = await replay(definition, file)
    if (turn.kind === 'stuck') {
      const { reason, eventId, location } = turn.stuck
      return {
        fits: false,
        text: `DIFFERS  ${name}: ${type}, event ${eventId}: ${reason}${location ? `\n         at ${location}` : ''}`,
      }
    }
    const warnings = turn.warnings.map(warning => `\n         note: ${warning}`).join('')
    return { fits: true, text: `fits     ${name}: ${type}, ${events.length} events${warnings}` }
  } catch (error) {
    return { fits: false, text: `DIFFERS  ${name}: ${(error as Error).message}` }
  }
}

function filesOf(path: string): string[] {
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found) throw new CliError('NOT_FOUND', `There is no file or directory ${path}`, 2)
  if (!found.isDirectory()) return [path]
  return (readdirSync(path, { recursive: true, encoding: 'utf8' }) as string[])
    .filter(name => name.endsWith('.json'))
    .sort()
    .map(name => join(path, name))
}

async function judgeOpen(
  swf: SwfClient,
  { domain, limit = Infinity }: Config,
  judge: (name: string, read: () => Promise<HistoryFile>) => Promise<void>,
): Promise<void> {
  let nextPageToken: string | undefined
  let left = limit
  do {
    const page = await swf.listOpenWorkflowExecutions({
      domain,
      startTimeFilter: { oldestDate: new Date(0) },
      ...(nextPageToken && { nextPageToken }),
    })
    const infos = (page.executionInfos ?? []).slice(0, left)
    left -= infos.length
    const next = infos.values()
    const worker = async () => {
      for (const { execution, workflowType } of next) {
        const run = execution as { workflowId: string; runId: string }
        const type = workflowType as { name: string; version: string }
        await judge(run.workflowId, async () => ({
          execution: run,
          workflowType: type,
          events: await readHistory(swf, domain, run),
        }))
      }
    }
    await Promise.all(Array.from({ length: AT_A_TIME }, worker))
    nextPageToken = left > 0 ? page.nextPageToken : undefined
  } while (nextPageToken)
}

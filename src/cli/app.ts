// The user's code: a compiled ESM module that exports `workflows` (read by the decider) and `handlers` (by the worker).

import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Command } from 'commander'
import type { App, Handler } from '../workers/definitions.js'
import type { WorkflowDefinition } from '../workflow/definition.js'
import { option } from './config.js'
import { CliError } from './error.js'

/** An app whose lists are there, empty ones included. */
export type LoadedApp = App & { workflows: WorkflowDefinition[]; handlers: Handler[] }

export function withApp(command: Command): Command {
  return command.addOption(
    option('--app <file>', 'compiled ES module that exports `workflows` and `handlers`').makeOptionMandatory(),
  )
}

/** Loads an app; rejects with a CliError that says what the file lacks. */
export async function loadApp(file: string): Promise<LoadedApp> {
  const path = resolve(file)
  if (!existsSync(path))
    throw new CliError('APP_NOT_FOUND', `There is no file ${path}. --app names a compiled JavaScript module.`)
  if (/\.[cm]?ts$/.test(path))
    throw new CliError('APP_NOT_COMPILED', `${path} is TypeScript: compile it with tsc and name the .js file.`)
  let module: Record<string, unknown>
  try {
    module = (await import(pathToFileURL(path).href)) as Record<string, unknown>
  } catch (error) {
    const { message, stack = '' } = error as Error
    const at = stack.split('\n').find(line => line.includes('.js:') && !line.includes('node:'))
    throw new CliError('APP_FAILED', `${path} does not load: ${message}${at ? `\n${at}` : ''}`, 1, { cause: error })
  }
  const { workflows = [], handlers = [], example } = module
  const isWorkflow = (it: unknown) => (it as WorkflowDefinition | undefined)?.kind === 'workflow'
  const isHandler = (it: unknown) => (it as Handler | undefined)?.definition?.kind === 'activity'
  if (!Array.isArray(workflows) || !workflows.every(isWorkflow))
    throw new CliError('APP_INVALID', `${path}: export const workflows = [defineWorkflow(…), …]`)
  if (!Array.isArray(handlers) || !handlers.every(isHandler))
    throw new CliError('APP_INVALID', `${path}: export const handlers = [implement(activity, …), …]`)
  if (workflows.length + handlers.length === 0)
    throw new CliError('APP_INVALID', `${path} exports neither \`workflows\` nor \`handlers\``)
  return {
    workflows: workflows as WorkflowDefinition[],
    handlers: handlers as Handler[],
    ...(example !== undefined && { example: example as NonNullable<App['example']> }),
  }
}

// The configuration file: options in camelCase, as JSON.

import { existsSync, readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { CliError } from './error.js'

/** The file read when `--config` names none. */
export const CONFIG_FILE = 'swf-gateway.config.json'

/** Fills what neither a flag nor the environment gave from the configuration file. */
export function applyConfigFile(command: Command): void {
  const named = command.opts<{ config?: string }>().config
  const path = named ?? CONFIG_FILE
  if (!existsSync(path)) {
    if (named) throw new CliError('CONFIG_NOT_FOUND', `There is no file ${named}`)
    return
  }
  let file: Record<string, unknown>
  try {
    file = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  } catch (error) {
    throw new CliError('CONFIG_INVALID', `${path} is not JSON: ${(error as Error).message}`)
  }
  for (const made of command.options) {
    const name = made.attributeName()
    const source = command.getOptionValueSource(name)
    if (!(name in file) || (source !== undefined && source !== 'default')) continue
    const given = file[name]
    if (made.isBoolean()) {
      if (typeof given !== 'boolean') throw new CliError('CONFIG_INVALID', `${path}: ${name} is true or false`)
      command.setOptionValueWithSource(name, given, 'config')
      continue
    }
    const value = Array.isArray(given) ? given.join(' ') : isObject(given) ? JSON.stringify(given) : String(given)
    try {
      command.setOptionValueWithSource(name, made.parseArg ? made.parseArg(value, undefined as never) : value, 'config')
    } catch (error) {
      throw new CliError('CONFIG_INVALID', `${path}: ${name} cannot be ${value}. ${(error as Error).message}`)
    }
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { applyConfigFile } from './config.js'
import { deciderCommand } from './decider.js'
import { devCommand } from './dev.js'
import { gatewayCommand } from './gateway.js'
import { localSwfCommand } from './local-swf.js'
import { registerCommand } from './register.js'
import { workerCommand } from './worker.js'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

const program = new Command('swf-gateway')
  .description('Amazon Simple Workflow Service from TypeScript')
  .version(version)
  .showHelpAfterError('(add --help for the options)')
  .addHelpText(
    'after',
    `
Every flag can be set in the environment: --log-level is SWF_GATEWAY_LOG_LEVEL. SWF and Redis are found by
AWS_ENDPOINT_URL_SWF, AWS_REGION and REDIS_URL. Options may also stand in swf-gateway.config.json.`,
  )
  .hook('preAction', (_program, command) => applyConfigFile(command))

for (const command of [
  devCommand(),
  gatewayCommand(),
  deciderCommand(),
  workerCommand(),
  localSwfCommand(),
  registerCommand(),
])
  program.addCommand(command)

try {
  await program.parseAsync()
} catch (error) {
  const { code, message, exitCode = 1 } = error as Error & { code?: string; exitCode?: number }
  console.error(`swf-gateway: ${code ? `${code}: ` : ''}${message}`)
  process.exit(exitCode)
}

// The commands, and how one of them is run.

import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { applyConfigFile } from './config-file.js'
import { passOverForeign } from './environment.js'

/** The verbs. Only the one that is called is loaded: a decider has no use for a GraphQL server. */
const VERBS: Record<string, { description: string; load: () => Promise<Command> }> = {
  dev: {
    description: 'run everything on this machine: local SWF, Redis, gateway, decider, worker',
    load: async () => (await import('./dev.js')).devCommand(),
  },
  gateway: {
    description: 'serve GraphQL over HTTP, WebSocket and SSE',
    load: async () => (await import('./gateway.js')).gatewayCommand(),
  },
  decider: {
    description: 'run workflows: poll decision tasks, replay, decide',
    load: async () => (await import('./decider.js')).deciderCommand(),
  },
  worker: {
    description: 'run activity handlers: poll SWF, fan out to BullMQ',
    load: async () => (await import('./worker.js')).workerCommand(),
  },
  'local-swf': {
    description: 'serve Amazon SWF on this machine, for any SDK or the AWS CLI',
    load: async () => (await import('./local-swf.js')).localSwfCommand(),
  },
  register: {
    description: 'register the domain and the types of an app',
    load: async () => (await import('./register.js')).registerCommand(),
  },
  replay: {
    description: 'check that workflows still fit recorded histories, or what is open now',
    load: async () => (await import('./replay.js')).replayCommand(),
  },
  queue: {
    description: 'look at the queues of activities and tune them while they work',
    load: async () => (await import('./queue.js')).queueCommand(),
  },
  execution: {
    description: 'look at an execution: what it waits for, its history as a file',
    load: async () => (await import('./execution.js')).executionCommand(),
  },
}

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
Flags that take a value can be set in the environment: --log-level is SWF_GATEWAY_LOG_LEVEL. SWF and Redis are found by
AWS_ENDPOINT_URL_SWF, AWS_REGION and REDIS_URL. Options may also stand in swf-gateway.config.json.`,
  )
  .hook('preAction', (_program, command) => applyConfigFile(command))

// The SDK's note on future versions of Node is for whoever updates it, not for whoever runs this.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'

passOverForeign()
try {
  const called = process.argv.slice(2).find(word => word in VERBS)
  for (const [name, { description, load }] of Object.entries(VERBS)) {
    const command = name === called ? await load() : new Command(name)
    program.addCommand(command.description(description).copyInheritedSettings(program))
  }
  await program.parseAsync()
} catch (error) {
  const { code, message, exitCode = 1 } = error as Error & { code?: string; exitCode?: number }
  process.stderr.write(`swf-gateway: ${code ? `${code}: ` : ''}${message}\n`)
  process.exit(exitCode)
}

import { Command } from 'commander'
import type { SwfClient } from '../swf/client.js'
import { timeoutSeconds } from '../swf/duration.js'
import { register, type Registered } from '../swf/registration.js'
import type { App } from '../workers/definitions.js'
import { loadApp, withApp } from './app.js'
import { integer, option, swfClient, withSwf, type SwfConfig } from './config.js'

type Config = SwfConfig & { app: string; retention: number }

export function registerCommand(): Command {
  const command = new Command('register').addHelpText(
    'after',
    `
What is registered already is left as it is; types are immutable in SWF, so a changed contract needs a new version.

Example:
  swf-gateway register --app dist/app.js --domain orders`,
  )
  withApp(withSwf(command)).addOption(
    option('--retention <days>', 'days that SWF keeps closed executions, for a new domain')
      .argParser(integer(0, 90))
      .default(30),
  )
  return command.action(async (config: Config) => {
    const swf = swfClient(config)
    const { created, existing, different } = await registerApp(
      swf,
      config.domain,
      await loadApp(config.app),
      config.retention,
    )
    for (const what of created) console.log(`registered       ${what}`)
    for (const what of existing) console.log(`stands already   ${what}`)
    for (const what of different)
      console.error(
        `note: ${what} was registered with other defaults. They are sent with every call, so this does no harm.`,
      )
    swf.close()
  })
}

/** Registers a domain and the types that an app defines. */
export function registerApp(swf: SwfClient, domain: string, app: App, retentionDays: number): Promise<Registered> {
  return register(swf, {
    domain,
    retentionDays,
    workflowTypes: (app.workflows ?? []).map(({ name, version, options }) => ({
      name,
      version,
      ...(options.description && { description: options.description }),
      defaultTaskList: { name: options.taskList },
      defaultExecutionStartToCloseTimeout: timeoutSeconds(options.executionStartToClose),
      defaultTaskStartToCloseTimeout: timeoutSeconds(options.taskStartToClose),
      defaultChildPolicy: options.childPolicy,
    })),
    activityTypes: (app.handlers ?? []).map(({ definition: { name, version, options } }) => ({
      name,
      version,
      ...(options.description && { description: options.description }),
      defaultTaskList: { name: options.taskList },
      defaultTaskStartToCloseTimeout: timeoutSeconds(options.startToClose),
      defaultTaskScheduleToStartTimeout: timeoutSeconds(options.scheduleToStart),
      defaultTaskScheduleToCloseTimeout: timeoutSeconds(options.scheduleToClose),
      defaultTaskHeartbeatTimeout: timeoutSeconds(options.heartbeat),
    })),
  })
}

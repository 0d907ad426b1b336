import { Command } from 'commander'
import { registerApp } from '../workers/register-app.js'
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

// Registration of a domain and its types. Types are immutable in SWF: one that is registered stays as it was registered.

import type { SwfClient } from './client.js'
import type { Actions } from './client-actions.js'
import { isFault } from './errors.js'

export interface Registration {
  domain: string
  /** Days that SWF keeps closed executions, 0 to 90. @default 30 */
  retentionDays?: number
  workflowTypes: readonly Omit<Actions['RegisterWorkflowType'][0], 'domain'>[]
  activityTypes: readonly Omit<Actions['RegisterActivityType'][0], 'domain'>[]
}

export interface Registered {
  /** What was registered now, such as `activity type ShipOrder 1.0`. */
  created: string[]
  /** What stood already. */
  existing: string[]
  /** Types whose registered defaults differ from the ones asked for. Harmless: defaults are sent with every call. */
  different: string[]
}

/** Registers what is not registered yet. Rejects with a SwfFault, such as TYPE_DEPRECATED for a type that was deprecated. */
export async function register(swf: SwfClient, registration: Registration): Promise<Registered> {
  const { domain, retentionDays = 30, workflowTypes, activityTypes } = registration
  const registered: Registered = { created: [], existing: [], different: [] }
  const once = async (
    what: string,
    create: () => Promise<unknown>,
    configuration?: () => Promise<object>,
    asked?: object,
  ) => {
    try {
      await create()
      registered.created.push(what)
    } catch (error) {
      if (!isFault(error, 'DOMAIN_ALREADY_EXISTS') && !isFault(error, 'TYPE_ALREADY_EXISTS')) throw error
      registered.existing.push(what)
      if (configuration && asked && differs(asked, await configuration())) registered.different.push(what)
    }
  }
  await once(`domain ${domain}`, () =>
    swf.registerDomain({ name: domain, workflowExecutionRetentionPeriodInDays: String(retentionDays) }),
  )
  for (const type of workflowTypes) {
    const workflowType = { name: type.name, version: type.version }
    await once(
      `workflow type ${type.name} ${type.version}`,
      () => swf.registerWorkflowType({ domain, ...type }),
      async () => (await swf.describeWorkflowType({ domain, workflowType })).configuration ?? {},
      type,
    )
  }
  for (const type of activityTypes) {
    const activityType = { name: type.name, version: type.version }
    await once(
      `activity type ${type.name} ${type.version}`,
      () => swf.registerActivityType({ domain, ...type }),
      async () => (await swf.describeActivityType({ domain, activityType })).configuration ?? {},
      type,
    )
  }
  return registered
}

function differs(asked: object, stands: object): boolean {
  return Object.entries(asked).some(
    ([member, value]) =>
      member.startsWith('default') &&
      JSON.stringify(value) !== JSON.stringify((stands as Record<string, unknown>)[member]),
  )
}

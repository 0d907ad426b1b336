// Registration of what an app defines.

import type { SwfClient } from '../swf/client.js'
import { timeoutSeconds } from '../swf/duration.js'
import { register, type Registered } from '../swf/registration.js'
import type { App } from './definitions.js'

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

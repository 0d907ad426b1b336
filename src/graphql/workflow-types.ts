// What the gateway remembers of registered workflow types, so that a start costs one call.

import { monotonic } from '../clock.js'
import type { SwfClient } from '../swf/client.js'
import { MINUTE } from '../swf/duration.js'
import type { TypeName } from '../swf/history-event.js'
import { typeKey } from '../swf/type-key.js'
import { apiError } from './errors.js'

export interface WorkflowTypesOptions {
  swf: SwfClient
  /** How long the newest version of a type is remembered, in milliseconds. @default MINUTE */
  remember?: number
}

export class WorkflowTypes {
  readonly #swf: SwfClient
  readonly #remember: number
  readonly #newest = new Map<string, { version: Promise<string>; until: number }>()
  readonly #taskLists = new Map<string, Promise<string>>()

  constructor({ swf, remember = MINUTE }: WorkflowTypesOptions) {
    this.#swf = swf
    this.#remember = remember
  }

  /** Resolves to the registered version that was created last; rejects with TYPE_NOT_FOUND when there is none. */
  newestVersion(domain: string, name: string): Promise<string> {
    const key = JSON.stringify([domain, name])
    const known = this.#newest.get(key)
    if (known && known.until > monotonic()) return known.version
    const version = this.#findNewest(domain, name)
    this.#newest.set(key, { version, until: monotonic() + this.#remember })
    version.catch(() => this.#newest.delete(key))
    return version
  }

  /** Forgets what it knows of the newest version, when SWF says otherwise. */
  forget(domain: string, name: string): void {
    this.#newest.delete(JSON.stringify([domain, name]))
  }

  /** Resolves to the task list that a type was registered with; empty when it has none. A registered type never changes. */
  defaultTaskList(domain: string, { name, version }: TypeName): Promise<string> {
    const key = `${domain}\n${typeKey({ name, version })}`
    let taskList = this.#taskLists.get(key)
    if (!taskList) {
      taskList = this.#swf
        .describeWorkflowType({ domain, workflowType: { name, version } })
        .then(({ configuration }) => configuration?.defaultTaskList?.name ?? '')
      this.#taskLists.set(key, taskList)
      taskList.catch(() => this.#taskLists.delete(key))
    }
    return taskList
  }

  async #findNewest(domain: string, name: string): Promise<string> {
    let newest: { version: string; created: number } | undefined
    let nextPageToken: string | undefined
    do {
      const page = await this.#swf.listWorkflowTypes({
        domain,
        name,
        registrationStatus: 'REGISTERED',
        ...(nextPageToken && { nextPageToken }),
      })
      for (const { workflowType, creationDate } of page.typeInfos ?? []) {
        const created = creationDate?.getTime() ?? 0
        if (workflowType?.version && (!newest || created >= newest.created))
          newest = { version: workflowType.version, created }
      }
      nextPageToken = page.nextPageToken
    } while (nextPageToken)
    if (newest) return newest.version
    throw apiError(
      'TYPE_NOT_FOUND',
      `No version of workflow type "${name}" is registered in domain "${domain}": register it (swf-gateway register), or check its name`,
      { domain, type: name },
    )
  }
}

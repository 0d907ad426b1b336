// Requests to a local SWF as they are on the wire: no SDK between a test and the answer.

import { Agent } from 'undici'

export interface Answer {
  status: number
  /** The JSON of the body; undefined when it is empty. */
  body: unknown
}

/** An answer that refuses. */
export class Refused extends Error {
  constructor(
    readonly action: string,
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(`${action}: ${status} ${code}: ${message}`)
  }
}

export class Wire {
  #agent: Agent
  constructor(
    readonly endpoint: string,
    connections = 64,
  ) {
    this.#agent = new Agent({ connections, pipelining: 1 })
  }

  /** Sends bytes as the input of an action. */
  async send(action: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await this.#agent.request({
      origin: this.endpoint,
      path: '/',
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `SimpleWorkflowService.${action}`,
        ...headers,
      },
      body,
    })
    const text = await response.body.text()
    return { status: response.statusCode, body: text === '' ? undefined : JSON.parse(text) }
  }

  /** Does an action; throws Refused unless the answer is 200. */
  async call<T = Record<string, never>>(action: string, input: object): Promise<T> {
    const { status, body } = await this.send(action, JSON.stringify(input))
    if (status === 200) return body as T
    const { __type = '', message = '' } = (body ?? {}) as { __type?: string; message?: string }
    throw new Refused(action, status, __type.slice(__type.indexOf('#') + 1), message)
  }

  /** A whole history. */
  async history(domain: string, execution: { workflowId: string; runId: string }): Promise<WireEvent[]> {
    const events: WireEvent[] = []
    let nextPageToken: string | undefined
    do {
      const page = await this.call<{ events: WireEvent[]; nextPageToken?: string }>('GetWorkflowExecutionHistory', {
        domain,
        execution,
        nextPageToken,
      })
      events.push(...page.events)
      nextPageToken = page.nextPageToken
    } while (nextPageToken)
    return events
  }

  close(): Promise<void> {
    return this.#agent.destroy()
  }
}

export interface WireEvent {
  eventId: number
  eventType: string
  eventTimestamp: number
  [attributes: string]: unknown
}

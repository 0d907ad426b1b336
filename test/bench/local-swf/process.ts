// Starts the servers that are measured.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Population } from './population.js'
import type { Usage } from './server.js'

export class ServerProcess {
  private constructor(
    private readonly child: ReturnType<typeof fork>,
    readonly port: number,
    /** How long createLocalSwf took, in milliseconds. */
    readonly ms: number,
  ) {}

  static async start(data?: string): Promise<ServerProcess> {
    const child = fork(fileURLToPath(new URL('server.ts', import.meta.url)), data === undefined ? [] : [data])
    const [{ port, ms }] = (await once(child, 'message')) as [{ port: number; ms: number }]
    return new ServerProcess(child, port, ms)
  }

  /** What it has used since the last question. */
  usage(): Promise<Usage> {
    return this.#ask('usage') as Promise<Usage>
  }

  async populate(population: Population): Promise<void> {
    await this.#ask(population)
  }

  /** Stops it as a user would. */
  async close(): Promise<void> {
    this.child.send('close')
    await once(this.child, 'exit')
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await once(this.child, 'exit')
  }

  async #ask(question: string | Population): Promise<unknown> {
    this.child.send(question)
    const [answer] = (await once(this.child, 'message')) as [unknown]
    return answer
  }
}

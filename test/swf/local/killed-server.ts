// A local SWF in a process of its own, under load, killed again and again.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterFile } from '../../support/dispose.js'
import { tmpDir } from '../../support/tmp.js'
import { Load, registerAll } from './load.js'
import { Wire } from './wire.js'

const SERVE = fileURLToPath(new URL('./serve.ts', import.meta.url))

/** Starts a server in a process of its own. */
export function serve(data: string) {
  const child = spawn(process.execPath, ['--import', '@oxc-node/core/register', SERVE, data], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  afterFile(() => child.kill('SIGKILL'))
  const exited = once(child, 'exit')
  return {
    /** Its endpoint, as soon as it serves. */
    ready: async () => {
      const line = once(createInterface(child.stdout), 'line') as Promise<[string]>
      const ended = exited.then(([code]) => {
        throw new Error(`the server did not start: exit code ${code}`)
      })
      return (await Promise.race([line, ended]))[0]
    },
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** Kills a server `kills` times under load; after every kill the next one is held to all that was answered. */
export async function killUnderLoad(seed: number, kills: number, longest: number) {
  const data = tmpDir('killed')
  const load = new Load(seed)
  const random = () => load.random()
  let histories = 0
  for (let kill = 0; kill <= kills; kill++) {
    if (kill > 0 && random() < 0.2) {
      // One that has not even opened its store.
      const early = serve(data)
      await delay(150 + random() * 250)
      await early.kill()
    }
    const server = serve(data)
    const endpoint = await server.ready()
    if (kill === 0) {
      const wire = new Wire(endpoint)
      await registerAll(wire)
      await wire.close()
    } else histories = await load.verify(endpoint)
    const driven = kill < kills ? load.drive(endpoint, 16 + Math.floor(random() * 17)) : undefined
    if (driven) await Promise.race([driven, delay(20 + random() * longest)])
    await server.kill()
    await driven
  }
  return { kills, answered: load.answered, histories }
}

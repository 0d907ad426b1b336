// A proxy before SWF: a place to strike between a process and what SWF answers it.

import { createServer, request, Agent, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterFile } from './dispose.js'

export interface SwfCall {
  action: string
  // Tests know what they wait for.
  // oxlint-disable-next-line typescript/no-explicit-any
  input: any
}

export interface SwfProxy {
  readonly url: string
  /**
   * Called with every call; `send` passes it on and resolves when SWF has answered. The caller gets that answer once the hook
   * is done, and never gets one when the hook resolves to `'unheard'`.
   */
  on: ((call: SwfCall, send: () => Promise<void>) => Promise<'unheard' | void>) | undefined
}

/** Starts a proxy before an endpoint of this machine, closed after the file. */
export async function swfProxy(endpoint: string): Promise<SwfProxy> {
  const agent = new Agent({ keepAlive: true })
  const proxy: SwfProxy = { url: '', on: undefined }
  const server = createServer(async (incoming, response) => {
    const body = await bytesOf(incoming)
    const action = String(incoming.headers['x-amz-target']).split('.')[1]!
    // SWF must see that a poller is gone, or it would give it a task.
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    let answer: { status: number; body: Buffer } | undefined
    const send = async () => {
      answer ??= await pass(endpoint, agent, incoming, body, gone.signal)
    }
    try {
      const outcome = await proxy.on?.({ action, input: JSON.parse(body.toString() || '{}') }, send)
      if (outcome === 'unheard') return void response.destroy()
      await send()
      response.writeHead(answer!.status, { 'content-type': 'application/x-amz-json-1.0' }).end(answer!.body)
    } catch {
      response.destroy()
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  afterFile(async () => {
    agent.destroy()
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
  return Object.assign(proxy, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
}

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function pass(
  endpoint: string,
  agent: Agent,
  { headers }: IncomingMessage,
  body: Buffer,
  signal: AbortSignal,
): Promise<{ status: number; body: Buffer }> {
  const { 'content-type': type, 'x-amz-target': target } = headers
  return new Promise((resolve, reject) => {
    const sent = request(
      endpoint,
      { method: 'POST', agent, signal, headers: { 'content-type': type, 'x-amz-target': target } },
      async answer => {
        try {
          resolve({ status: answer.statusCode!, body: await bytesOf(answer) })
        } catch (error) {
          reject(error as Error)
        }
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

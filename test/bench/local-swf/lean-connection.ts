// HTTP that costs the load as little as it can.

import { connect, type Socket } from 'node:net'

const LENGTH = /\r\ncontent-length: (\d+)/i

/** One keep-alive connection, one request at a time; for ASCII. Anything but 200 is an error. */
export class LeanConnection {
  readonly #socket: Socket
  #answer: (body: string) => void = () => {}
  #text = ''

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1').setNoDelay(true).setEncoding('latin1')
    this.#socket.on('data', (chunk: string) => {
      this.#text = this.#text === '' ? chunk : this.#text + chunk
      const text = this.#text
      const head = text.indexOf('\r\n\r\n')
      if (head < 0 || text.length < head + 4 + Number(LENGTH.exec(text)![1])) return
      this.#text = ''
      if (!text.startsWith('HTTP/1.1 200')) throw new Error(text)
      this.#answer(text.slice(head + 4))
    })
  }

  /** `headers` without the last line's end. */
  post(path: string, headers: string, body: string, answer: (body: string) => void): void {
    this.#answer = answer
    this.#socket.write(
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      'latin1',
    )
  }

  close(): void {
    this.#socket.destroy()
  }
}

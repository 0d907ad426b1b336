// Who may knock at a port. A browser on this machine reaches every port of it for whatever page it shows, so what a page of
// another origin may not do has to be decided here.
//
// D1. `Host` is a name of this server. A page whose own name was made to resolve to this address (DNS rebinding) asks for
//     another name. No name can be made to look like an IP address, so beyond loopback every address passes.
// D2. `Origin` is this server's own, or listed, to the letter.
// D3. Without an Origin, what a browser says was caused by another site is refused. A page that somebody opens by a link is not.
// D4. Whoever sends neither is not a browser, or one that does not say more: what it may do with a plain GET, routes decide.

import { shorten } from './cut.js'
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

export interface DoorOptions {
  /** The address that the port is bound to. */
  host: string
  /** The URL by which browsers reach this server, where that is not the address it listens on: behind a proxy, with TLS. */
  publicUrl?: string
  /** More names by which this server may be asked for, without a port. */
  allowHosts?: readonly string[]
  /** Origins of pages that may use this server, such as `https://shop.example.com`. */
  allowOrigins?: readonly string[]
}

export interface Refusal {
  status: 403 | 421
  message: string
}

/** How much of what a stranger sent is repeated to him. */
const SHOWN = 200

export class Door {
  /** Origins of other servers' pages that may use this one. */
  readonly allowedOrigins: readonly string[]
  readonly #names: ReadonlySet<string>
  readonly #origins: ReadonlySet<string>
  readonly #loopback: boolean
  /** The last `Host` that passed; nearly all requests bring the same. */
  #lastHost: string | undefined

  /** Throws a RangeError for a name, URL or origin that is not one. */
  constructor({ host, publicUrl, allowHosts = [], allowOrigins = [] }: DoorOptions) {
    const url = publicUrl === undefined ? undefined : webUrl(publicUrl)
    this.allowedOrigins = allowOrigins.map(exactOrigin)
    this.#origins = new Set([...this.allowedOrigins, ...(url ? [url.origin] : [])])
    this.#names = new Set([...allowHosts.map(hostName), ...(url ? [url.hostname] : [])])
    this.#loopback = isLoopback(host)
  }

  /** Says why a request is not let in; undefined when it is. */
  refuse({ headers, method, socket }: IncomingMessage): Refusal | undefined {
    const { host, origin } = headers
    // Browsers always send it; HTTP/1.0, which some health checks speak, does without.
    if (host !== undefined && host !== this.#lastHost) {
      if (!this.#isName(host, socket.localAddress)) return misdirected(host)
      this.#lastHost = host
    }
    if (origin !== undefined) return this.#mayUse(origin, host) ? undefined : foreign(origin)
    const site = headers['sec-fetch-site']
    if (site !== 'cross-site' && site !== 'same-site') return undefined
    const opened = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
    return opened && (method === 'GET' || method === 'HEAD') ? undefined : foreign()
  }

  /** Tells whether a browser has shown that a GET comes from a page that may use this server, or from its user. */
  vouches({ headers }: IncomingMessage): boolean {
    const site = headers['sec-fetch-site']
    return headers.origin !== undefined || site === 'same-origin' || site === 'none'
  }

  #isName(host: string, localAddress = ''): boolean {
    const name = withoutPort(host.toLowerCase())
    if (name === 'localhost' || this.#names.has(name)) return true
    const address = name.startsWith('[') ? name.slice(1, -1) : name
    if (isIP(address) === 0) return false
    return !this.#loopback || isLoopback(address) || address === localAddress.replace(/^::ffff:/, '')
  }

  #mayUse(origin: string, host: string | undefined): boolean {
    return this.#origins.has(origin) || (host !== undefined && origin === `http://${host.toLowerCase()}`)
  }
}

/** Tells whether an address can be reached from this machine alone. */
export function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || (isIP(address) === 4 && address.startsWith('127.'))
}

function withoutPort(host: string): string {
  return host.replace(/:\d*$/, '')
}

function misdirected(host: string): Refusal {
  const message = `This server is not ${quote(host)}: use a name that it knows, or start it with --allow-host ${quote(withoutPort(host))}`
  return { status: 421, message }
}

function foreign(origin?: string): Refusal {
  const message =
    origin === undefined || origin === 'null'
      ? 'A page of another site may not use this server: open it by an address of its own, and start this server with --allow-origin for that'
      : `A page at ${quote(origin)} may not use this server: start it with --allow-origin ${quote(origin)} if it should, or with --public-url ${quote(origin)} if that is this server behind a proxy`
  return { status: 403, message }
}

function quote(text: string): string {
  const printable = text.replaceAll(/[^\x21-\x7e]/g, '?')
  return shorten(printable, SHOWN)
}

/** Returns a name in lower case; throws a RangeError for what is not one. */
export function hostName(text: string): string {
  const name = text.trim().toLowerCase()
  if (/^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/.test(name) || /^\[[0-9a-f:.]+\]$/.test(name)) return name
  throw new RangeError(
    `${JSON.stringify(text)} is not the name of a host: give it without scheme and port, as in gateway.example.com`,
  )
}

/** Returns an origin as browsers send it; throws a RangeError for what is not one. */
export function exactOrigin(text: string): string {
  const given = text.trim()
  const url = URL.canParse(given) ? new URL(given) : undefined
  if (url && /^https?:$/.test(url.protocol) && (url.origin === given || `${url.origin}/` === given)) return url.origin
  throw new RangeError(
    `${JSON.stringify(text)} is not an origin: give scheme, name and port, as in https://shop.example.com`,
  )
}

/** Returns a URL of the web; throws a RangeError for what is not one. */
export function webUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url && /^https?:$/.test(url.protocol)) return url
  throw new RangeError(`${JSON.stringify(text)} is not a URL of the web: give one as https://workflows.example.com`)
}

// A headless browser for tests: the one that npm installs.

import { tmpdir } from 'node:os'
import { join } from 'node:path'
import chromium from '@sparticuz/chromium'
import { chromium as browsers, type Browser } from 'playwright-core'
import { withLock } from '../../scripts/lock.mjs'
import { afterFile } from './dispose.js'

/** How long a page may take: a browser is unpacked first, on a machine that does other things too. Milliseconds. */
export const PATIENCE = 90_000

/** What the packaged browser switches off, and those of users do not: which origin may see what. */
const UNSAFE = new Set(['--disable-web-security', '--allow-running-insecure-content'])

/** Starts a browser, closed after the file; undefined where none runs, unless CI says that one must. */
export async function startBrowser(...args: string[]): Promise<Browser | undefined> {
  try {
    // Two test files that unpack it at once would run half a browser.
    const executablePath = await withLock(join(tmpdir(), 'chromium.lock'), () => chromium.executablePath())
    const browser = await browsers.launch({
      executablePath,
      args: [...chromium.args.filter(arg => !UNSAFE.has(arg)), '--no-sandbox', ...args],
    })
    afterFile(() => browser.close())
    return browser
  } catch (error) {
    if (process.env.CI) throw error
    console.warn(`skipped: no browser runs here: ${(error as Error).message.split('\n')[0]}`)
    return undefined
  }
}

// GraphiQL, from the package itself: no other host is asked for anything.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import express, { type NextFunction, type Request, type Response, type Router } from 'express'

/** Where the build of console/ lies in the package. */
const BUILT = fileURLToPath(new URL('../../dist/console', import.meta.url))

/**
 * Monaco, GraphiQL's editor, writes style elements, runs its language services in workers, and embeds fonts.
 * Scripts come from here alone.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Serves the page; a clear 404 when it has not been built. */
export function graphiql(folder: string = BUILT): Router {
  const router = express.Router()
  router.use((_request, response, next) => {
    response.set({
      'content-security-policy': CONTENT_SECURITY_POLICY,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    })
    next()
  })
  router.use(leadIntoFolder)
  if (existsSync(join(folder, 'index.html')))
    router.use(
      express.static(folder, {
        redirect: false,
        setHeaders: (response, path) => void response.setHeader('cache-control', cacheControl(path)),
      }),
    )
  else router.use((_request, response) => void response.status(404).type('text').send(missing(folder)))
  return router
}

/** What the page refers to is named relative to its folder. */
function leadIntoFolder({ originalUrl, path }: Request, response: Response, next: NextFunction): void {
  const [address, query] = originalUrl.split('?')
  if (path !== '/' || address!.endsWith('/')) return next()
  response.redirect(`${address!.split('/').at(-1)}/${query === undefined ? '' : `?${query}`}`)
}

/** Names in assets/ hold a hash of what they name. */
function cacheControl(path: string): string {
  return path.includes('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache'
}

function missing(folder: string): string {
  return `GraphiQL has not been built into ${folder}: run "npx vite build console" in the project, then start the gateway again.\n`
}

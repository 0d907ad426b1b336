// Benchmarks measure what is shipped: where they import from src/, they get the build. BUILD names another one, for a comparison.

import { register } from 'node:module'
import { pathToFileURL } from 'node:url'
import { isMainThread } from 'node:worker_threads'

const source = new URL('../../src/', import.meta.url).href
const build = process.env.BUILD
  ? `${pathToFileURL(process.env.BUILD).href}/`
  : new URL('../../dist/', import.meta.url).href

// Hooks run in a thread of their own.
if (isMainThread) register(import.meta.url, import.meta.url)

export async function resolve(specifier, context, next) {
  const found = await next(specifier, context)
  if (!found.url.startsWith(source)) return found
  const url = build + found.url.slice(source.length).replace(/\.ts$/, '.js')
  return { url, format: 'module', shortCircuit: true }
}

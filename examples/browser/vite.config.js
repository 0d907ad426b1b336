// Serves the pages, and passes what is for the gateway on to it: to a browser they are one origin.

import { defineConfig } from 'vite'

const target = process.env.GATEWAY ?? 'http://127.0.0.1:4000'

/** Breaks a stream off whose gateway has gone: by itself this proxy would keep it open, and the browser would wait for ever. */
const configure = proxy =>
  proxy.on('proxyRes', (answer, _request, response) => {
    answer.on('close', () => answer.complete || response.destroy())
  })

export default defineConfig({ server: { proxy: { '/graphql': { target, ws: true, configure } } } })

// Builds GraphiQL's page into dist/console: npx vite build console

import { defineConfig } from 'vite'

/** React's packages mark files for its server, which means nothing here. */
const NOISE = new Set(['MODULE_LEVEL_DIRECTIVE', 'SOURCEMAP_ERROR'])

export default defineConfig({
  // Wherever the gateway serves it: everything is named relative to the page.
  base: './',
  logLevel: 'warn',
  build: {
    outDir: '../dist/console',
    emptyOutDir: true,
    reportCompressedSize: false,
    // Monaco, the editor, is one large piece.
    chunkSizeWarningLimit: 10_000,
    rolldownOptions: {
      onLog: (level, log, handle) => {
        if (!NOISE.has(log.code)) handle(level, log)
      },
    },
  },
})

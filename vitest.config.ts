import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      // One copy of graphql: its package has two entry points, and vitest would load both.
      { find: /^graphql$/, replacement: 'graphql/index.js' },
      // The package's own doors lead to its sources, so that examples and tests share one module instance.
      { find: /^swf-gateway$/, replacement: source('./src/index.ts') },
      { find: /^swf-gateway\/workflow$/, replacement: source('./src/workflow/index.ts') },
      { find: /^swf-gateway\/local$/, replacement: source('./src/swf/local/index.ts') },
      { find: /^swf-gateway\/testing$/, replacement: source('./src/testing/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/faults/**', 'test/bench/**'],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
})

import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import SlowestFiles from './test/support/slowest-files.js'

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url))

// `vitest run` takes all tests but the faults; `vitest run --mode faults` takes those, one file at a time.
export default defineConfig(({ mode }) => ({
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
    ...(mode === 'faults'
      ? { include: ['test/faults/**/*.test.ts'], fileParallelism: false, testTimeout: 120_000, hookTimeout: 60_000 }
      : { include: ['test/**/*.test.ts'], exclude: ['test/faults/**'], testTimeout: 60_000, hookTimeout: 60_000 }),
    pool: 'forks',
    // Tests wait more than they compute.
    maxWorkers: Math.max(2, availableParallelism()),
    globalSetup: ['test/support/global-setup.ts'],
    reporters: [new SlowestFiles(), 'default'],
  },
}))

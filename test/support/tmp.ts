import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterFile } from './dispose.js'

/** Makes an empty folder, removed after this test file. */
export function tmpDir(name = 'test'): string {
  const folder = mkdtempSync(join(tmpdir(), `${name}-`))
  afterFile(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}

// How long a local SWF takes to be there: cold, and with many executions in its store.

import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { aimed, below, median, table } from './table.js'

const BUILT = new URL('../../../dist/swf/local/index.js', import.meta.url)
const TIMES = 5
const AIM = 300

/** Times a new process from the build: to import, and then to have a server that listens. */
export async function coldStart(): Promise<void> {
  if (!existsSync(BUILT)) {
    console.log('\nCold start: not measured, there is no build')
    return
  }
  const rows: string[][] = []
  for (const store of ['in memory', '--data']) {
    const imports: number[] = []
    const creates: number[] = []
    for (let i = 0; i < TIMES; i++) {
      const data = store === '--data' ? mkdtempSync(join(tmpdir(), 'local-swf-bench-')) : undefined
      const script = `
        const start = performance.now()
        const { createLocalSwf } = await import(${JSON.stringify(BUILT.href)})
        const imported = performance.now()
        const swf = await createLocalSwf(${JSON.stringify(data === undefined ? {} : { data })})
        console.log(JSON.stringify([imported - start, performance.now() - imported]))
        await swf.close()`
      const cwd = fileURLToPath(new URL('../../../', import.meta.url))
      const run = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd })
      const [imported, created] = JSON.parse(run.stdout) as [number, number]
      imports.push(imported)
      creates.push(created)
      if (data) rmSync(data, { recursive: true })
    }
    const created = aimed(Math.round(median(creates)), AIM, below, ' ms')
    rows.push([store, `${median(imports).toFixed(0)} ms`, created])
  }
  table('Cold start of a new process, from the build', ['store', 'import', 'createLocalSwf'], rows)
}

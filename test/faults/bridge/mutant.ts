// Builds with one thing wrong, to see that the rows find it.

import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tmpDir } from '../../support/tmp.js'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** What is replaced, by file of the build. */
export type Wrong = Record<string, readonly (readonly [what: string, by: string])[]>

export const MUTANTS = {
  'no fence': {
    'queues/task-record.js': [
      ['async commit(', "async commit() { return 'OK' }\n    async committed("],
      ['async beat(', "async beat() { return 'OK' }\n    async beaten("],
    ],
  },
  'no deadline check': {
    'queues/task-scripts.js': [['tonumber(r[5]) <= now', 'false']],
    'workers/activity/processor.js': [['monotonic() >= run.deadline', 'false']],
    'queues/due.js': [
      ['if left <= 0 then', 'if false then'],
      ['elseif left < math.min(5000', 'elseif false and left < math.min(5000'],
    ],
  },
  'beats that ignore liveness': {
    'queues/due.js': [["redis.call('EXISTS', job) == 0", 'false']],
  },
} satisfies Record<string, Wrong>

/** Makes a copy of the build with something wrong; returns its folder. Throws when the code is not as expected. */
export function mutant(wrong: Wrong): string {
  const folder = tmpDir('mutant')
  const dist = join(folder, 'dist')
  cpSync(join(ROOT, 'dist'), dist, { recursive: true })
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'))
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  for (const [file, replacements] of Object.entries(wrong)) {
    let text = readFileSync(join(dist, file), 'utf8')
    for (const [what, by] of replacements) {
      if (!text.includes(what))
        throw new Error(`${file} does not say ${JSON.stringify(what)}: the mutant must follow it`)
      text = text.replace(what, by)
    }
    writeFileSync(join(dist, file), text)
  }
  return dist
}

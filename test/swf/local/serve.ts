// A local SWF in a process of its own, for tests that kill it. Argument: the directory of its store.

import { createLocalSwf } from '../../../src/swf/local/index.js'

const { endpoint } = await createLocalSwf({ data: process.argv[2]!, pollTimeout: 300 })
process.stdout.write(`${endpoint}\n`)

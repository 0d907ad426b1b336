// A local SWF in a process of its own, with the load on it: says its port, then runs the loads that it is asked for.

import { createLocalSwf } from '../../../src/swf/local/index.js'
import { run, type Load } from './load.js'

const swf = await createLocalSwf()
process.send!(swf.endpoint)
process.on('message', async ({ taskList, load }: { taskList: string; load: Load }) => {
  await run((action, input) => swf.call(action, input), taskList, load)
  process.send!('done')
})
process.on('disconnect', () => process.exit())

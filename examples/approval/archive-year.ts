// A fan-out that no single history could hold: thousands of receipts, over as many runs as it takes.

import { defineWorkflow, mapContinued } from 'swf-gateway/workflow'
import { z } from 'zod'
import { archive, listReceipts } from './activities.js'

export const archiveYear = defineWorkflow(
  'ArchiveYear',
  '1.0',
  { input: z.object({ year: z.int() }), executionStartToClose: '7d' },
  async ({ year }) => {
    await mapContinued(
      after => listReceipts({ year, after }),
      { cursor: 'receipts', concurrency: 200 },
      receipt => archive({ receipt }),
    )
    return { year }
  },
)

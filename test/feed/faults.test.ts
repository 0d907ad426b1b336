// A little of each row of the feed's fault table; all of it is `npm run test:faults`. They wait more than they compute.

import { describe, test } from 'vitest'
import * as rows from '../faults/feed/rows.js'

const SEED = 7

describe.concurrent('clients are given every update once and in order, or a Resync', { timeout: 120_000 }, () => {
  test('while every process is killed, and sockets are reset', async () => {
    const much = {
      ...{ executions: 20, steps: 4, longSteps: 20, sockets: 40, gateways: 1, deciders: 2, stalls: 1 },
      ...{ refusals: 1, terminations: 1, redis: 1 },
    }
    await rows.disturbed(much, SEED)
  })
  test('while some of them do not read', () => rows.pausedClients(5))
  test('when Redis is emptied, and its stream trimmed', () => rows.lost(10, 1, 1, { gateways: 1, deciders: 1 }))
})

// A little of each row of the bridge's fault table; all of it is `npm run test:faults`. They wait more than they compute, so
// some run at a time.

import { describe, expect, test } from 'vitest'
import * as rows from '../../faults/bridge/rows.js'

const SEED = 7

describe.concurrent('nothing is lost, and no effect is applied twice', { timeout: 60_000 }, () => {
  test('when workers are killed at random', async () => {
    const { kills } = await rows.randomKills(15, SEED, 700, 2)
    expect(kills).toBeGreaterThan(0)
  })
  test('when a worker is killed between the poll and the record', () => rows.killedBeforeAdmit(3))
  test('when the adds of jobs are lost', () => rows.lostAdds(3))
  test('when a job vanishes twice: SWF times the task out', () => rows.vanishedJobs({ heartbeat: '3s' }))
  test('when a process is stopped for longer than its lease', () => rows.stoppedProcess(2))
  test('when a handler blocks its process for longer than its lease', () => rows.blockedLoop(2))
  test('when a job kills three workers: it is given up, and tried again', () => rows.threeStalls())
  test('when tasks wait for too long: they never start', () => rows.noLateStart(5))
  test('when answers of SWF are lost', () => rows.swfUnheard(SEED, 0.1, 4))
  test('when answers of Redis are lost', () => rows.redisUnheard(SEED, 0.1, 4))
  test('when Redis is killed and comes back', () => rows.redisRestarts(2, 5))
  test('when Redis is emptied; and a pause stands', () => rows.redisEmptied(1, 5))
  test('when Redis is full', () => rows.redisFull(8))
  test('when executions are canceled at random moments', () => rows.cancels(10, SEED))
  test('when every worker is asked to end, one after the other', () => rows.rollingRestart(2, 15))
  test('when the limit changes under load', () => rows.limits(2, 40, 100, 2_500))
})

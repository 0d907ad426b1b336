// kill -9 of every process in the middle of a demo run: each is started again by itself, and the demo proves all the same
// that every order ended as it must and that the books balance. test/faults kills at random, and more often.

import { expect, test } from 'vitest'
import { KILLED, startDemo } from '../support/demo.js'
import { until } from '../support/until.js'

test('every process is killed once in a demo run, and nothing is lost', async () => {
  const demo = startDemo()
  await demo.process.line(/orders: .*running/, { within: 30_000 })
  for (const name of KILLED) {
    const pid = await until(() => demo.pid(name), { what: `${name} runs` })
    process.kill(pid, 'SIGKILL')
    await until(() => ![undefined, pid].includes(demo.pid(name)), { what: `${name} is started again`, within: 20_000 })
  }
  const { code } = await demo.ended()
  expect(demo.process.output()).toContain('Proven: all 49 orders ended as their file says.')
  expect(code).toBe(0)
}, 150_000)

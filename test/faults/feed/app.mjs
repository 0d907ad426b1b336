// What the feed's faults disturb: sagas of as many steps as asked for, one of which may fail. Runs from the build that BUILD names.

const { ActivityFailure, implement } = await import(`${process.env.BUILD}/index.js`)
const { defineActivity, defineWorkflow, runSaga, setState } = await import(`${process.env.BUILD}/workflow/index.js`)

const retry = { maximumAttempts: 5, initialInterval: '1s', nonRetryable: ['Refused'] }
const work = defineActivity('Work', '1', { startToClose: '30s', heartbeat: '3s', retry })
const undo = defineActivity('Undo', '1', { startToClose: '30s', heartbeat: '3s', retry })

// Decision tasks of a decider that was killed come again soon.
const order = defineWorkflow(
  'Order',
  '1',
  { executionStartToClose: '1h', taskStartToClose: '2s' },
  async ({ steps, fail }) => {
    await runSaga(async saga => {
      for (let n = 1; n <= steps; n++) {
        const step = () => work({ fail: n === fail })
        await saga.step(`step ${n}`, step, { compensate: [undo, () => ({})] })
        setState({ done: n })
      }
    })
    return { steps }
  },
)

export const workflows = [order]
export const handlers = [
  implement(work, async ({ fail }) => {
    if (fail) throw new ActivityFailure('Refused', 'not this one')
  }),
  implement(undo, async () => {}),
]

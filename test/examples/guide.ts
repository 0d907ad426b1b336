// The code that docs/workflows.md shows, so that it compiles; guide.test.ts runs it.

import {
  all,
  condition,
  continueAsNewSuggested,
  cron,
  defineActivity,
  defineSignal,
  defineState,
  defineWorkflow,
  executeChild,
  map,
  mapContinued,
  now,
  patched,
  race,
  runSaga,
  saga,
  scope,
  shielded,
  sideEffect,
  signalExternal,
  sleep,
  startChild,
  TimeoutExpired,
  WorkflowExecutionFailed,
  withTimeout,
} from 'swf-gateway/workflow'
import { z } from 'zod'

// activity
export const track = defineActivity('TrackParcel', '1.0', {
  input: z.object({ parcel: z.string() }),
  result: z.object({ at: z.string() }),
  taskList: 'carriers', // also the BullMQ queue
  startToClose: '1m', // one try, running
  scheduleToStart: '10m', // one try, waiting for a worker
  scheduleToClose: '15m', // one try, both
  heartbeat: '20s', // the longest silence; the worker beats by itself while the handler lives
  retry: {
    maximumAttempts: 6, // the first try included
    initialInterval: '2s',
    backoff: 2,
    maximumInterval: '1m',
    timeLimit: '1h', // no new try after that
    nonRetryable: ['UnknownParcel'],
  },
})

export const reserve = defineActivity<string, string>('Reserve', '1.0', {})
export const release = defineActivity<string, void>('Release', '1.0', {})
export const quote = defineActivity<string, number>('Quote', '1.0', {})
export const tell = defineActivity<string, void>('Tell', '1.0', {})

// signals
export const approved = defineSignal('approved', { input: z.object({ by: z.string() }) })
export const paused = defineSignal('paused', { input: z.boolean() })

export const progress = defineState({ waitsFor: 'nobody', since: 0 }) // what the API shows as `state`

export const release1 = defineWorkflow('Release', '1.0', {}, async (build: string) => {
  let hold = false
  paused.handle(value => {
    hold = value // called as it comes in; it must not wait
  })
  progress.set({ waitsFor: 'approval', since: now() })
  const { by } = await approved.receive() // the next one, or one that is there already
  await condition(() => !hold)
  return `${build} approved by ${by}`
})

// time
export const parcel = defineWorkflow('Parcel', '1.0', { executionStartToClose: '60d' }, async (id: string) => {
  for (;;) {
    try {
      const { by } = await withTimeout('3d', () => approved.receive())
      return by
    } catch (failure) {
      if (!(failure instanceof TimeoutExpired)) throw failure
      await tell(`still waiting for ${id}`)
    }
  }
})

// at once
export const offers = defineWorkflow('Offers', '1.0', {}, async (item: string) => {
  const [stock, price] = await all([() => reserve(item), () => quote(item)]) // one fails: the other is canceled
  const first = await race([() => quote(`${item} fast`), () => sleep('10s').then(() => price)])
  const prices = await map(['a', 'b', 'c'], { concurrency: 2 }, shop => quote(`${item} ${shop}`))
  return { stock, best: Math.min(first, ...prices) }
})

// scopes
export const careful = defineWorkflow('Careful', '1.0', { executionStartToClose: '2d' }, async (item: string) => {
  const held = await reserve(item)
  try {
    await scope(async it => {
      paused.handle(() => it.cancel())
      await sleep('1d')
    })
    return 'slept'
  } finally {
    // A cancel of the execution does not reach this.
    await shielded(async () => release(held))
  }
})

// children
export const line = defineWorkflow('Line', '1.0', { result: z.string() }, async (sku: string) => reserve(sku))

export const basket = defineWorkflow('Basket', '1.0', {}, async (skus: string[]) => {
  const [first = '', ...rest] = skus
  const child = await startChild(release1, first, { workflowId: `${first}-release`, abandoned: true })
  await child.signal(approved, { by: 'basket' })
  const lines = await map(rest, { concurrency: 10 }, sku => executeChild(line, sku))
  return [await child.result(), ...lines]
})

export const nudge = defineWorkflow('Nudge', '1.0', {}, async (workflowId: string) => {
  await signalExternal({ workflowId }, approved, { by: 'nudge' })
})

// without end
export const counter = defineWorkflow('Counter', '1.0', {}, async (count: number, { continueAsNew }) => {
  while (!continueAsNewSuggested() && count % 10 < 9) {
    await sleep('1h')
    count++
  }
  return count >= 29 ? count : continueAsNew(count + 1)
})

export const allParcels = defineWorkflow('AllParcels', '1.0', {}, async (parcels: string[]) => {
  await mapContinued(parcels, { concurrency: 50 }, parcel => track({ parcel }))
})

export const nightly = defineWorkflow('Nightly', '1.0', { executionStartToClose: '30d' }, async () => {
  await cron('30 2 * * *', { timezone: 'Europe/Berlin' }, async at => tell(new Date(at).toISOString()))
})

// saga
const patient = { retry: { maximumAttempts: 50, maximumInterval: '10m' } } as const

export const party = defineWorkflow('Party', '1.0', { executionStartToClose: '30d' }, async (guests: string[]) => {
  const done = await saga(guests, { deadline: '20d', retryUndo: true })
    .step('room', reserve, {
      input: c => `room for ${c.input.length}`,
      rollback: [release, () => 'any room'], // undoes what a failed reservation may have half done
      compensate: [release, c => c.room, patient], // undoes the reservation when a later step fails
    })
    .parallel({
      band: s =>
        s.step(reserve, {
          when: c => c.input.length > 10, // else the step is SKIPPED
          input: () => 'band',
          compensate: [release, (_c, band) => band], // or any code: (_c, band) => executeChild(apologize, band)
        }),
      food: s => s.child(counter, { input: () => 0 }),
    })
    .receive('go', approved, { timeout: '7d' })
    .sleep('rest', '1h')
    .do('bill', async c => quote(`${c.room}, ${c.band ?? 'no band'}, for ${c.go.by}`))
    .run()
  return done.bill
})

export const trip = defineWorkflow('Trip', '1.0', {}, async (legs: string[]) =>
  runSaga(async saga => {
    for (const leg of legs) {
      if (leg === 'nowhere') throw new WorkflowExecutionFailed('NoSuchPlace')
      await saga.step(leg, () => reserve(leg), { compensate: [release, held => held] })
    }
    return legs.length
  }),
)

// change
export const changed = defineWorkflow('Changed', '1.0', {}, async (item: string) => {
  if (patched('quote-first')) await quote(item)
  const lucky = sideEffect(() => Math.random() < 0.5, 'lucky')
  return lucky ? reserve(item) : reserve(`${item} again`)
})

export const workflows = [
  ...[release1, parcel, offers, careful, line, basket, nudge],
  ...[counter, allParcels, nightly, party, trip, changed],
]

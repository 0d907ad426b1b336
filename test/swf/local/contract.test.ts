// What SWF promises, an action and a decision at a time: the request, and the history or the reply that comes of it.
// The last test holds what they have shown against the service model: nothing of it is left out without being named.

import * as sdk from '@aws-sdk/client-swf'
import { afterAll, describe, expect, test } from 'vitest'
import { EVENT_ENUMS } from '../../../src/swf/event-enum.js'
import { HISTORY_EVENTS } from '../../../src/swf/event-table.js'
import { CLOSE_STATUS } from '../../../src/swf/history-event.js'
import { activities } from './contract/activity.js'
import { children } from './contract/child.js'
import { closes } from './contract/close.js'
import { Seen, openContract } from './contract/contract.js'
import { decisionTasks } from './contract/decision-task.js'
import { executions } from './contract/execution.js'
import { externals } from './contract/external.js'
import { LAMBDAS, lambdas } from './contract/lambda.js'
import { CROWDED, FEW, crowding, denials, excesses } from './contract/refusal.js'
import { registrations } from './contract/registration.js'
import { timers } from './contract/timer.js'
import { visibilities } from './contract/visibility.js'

const seen = new Seen()
const contract = await openContract(seen, { lambda: LAMBDAS })
const few = await openContract(seen, { quotas: FEW })
const crowded = await openContract(seen, { quotas: CROWDED })
afterAll(() => Promise.all([contract.close(), few.close(), crowded.close()]))

describe('domains and types', () => registrations(contract))
describe('executions', () => executions(contract))
describe('decision tasks', () => decisionTasks(contract))
describe('activities', () => activities(contract))
describe('timers and markers', () => timers(contract))
describe('children', () => children(contract))
describe('signals and cancels of others', () => externals(contract))
describe('lambda functions', () => lambdas(contract))
describe('closing', () => closes(contract))
describe('visibility', () => visibilities(contract))
describe('what is not permitted', () => denials(contract))
describe('what is too much', () => excesses(few))
describe('what is full', () => crowding(crowded))

test('every action, decision, event, fault and enum value of the service model was seen', () => {
  const names = Object.keys(sdk)
  const values = (enums: object) =>
    Object.entries(enums).flatMap(([name, list]) => [...(list as string[])].map(value => `${name}.${value}`))
  const model = {
    actions: names.flatMap(name => /^(?!\$)(\w+)Command$/.exec(name)?.[1] ?? []),
    decisions: Object.values(sdk.DecisionType),
    events: Object.keys(HISTORY_EVENTS),
    faults: [...names.filter(name => /^\w+Fault$/.test(name)), 'ValidationException'],
    values: [
      ...values(EVENT_ENUMS).filter(value => !value.startsWith('ChildPolicy')),
      ...values({ ChildPolicy: EVENT_ENUMS.ChildPolicy, CloseStatus: Object.values(CLOSE_STATUS) }),
      ...values({ ExecutionStatus: Object.values(sdk.ExecutionStatus) }),
    ],
  }
  const sizes = Object.entries(model).map(([what, list]) => [what, list.length])
  expect(Object.fromEntries(sizes)).toMatchObject({ actions: 39, decisions: 13, events: 54, faults: 12 })
  const missing = (Object.keys(model) as (keyof typeof model)[]).flatMap(what =>
    model[what].filter(name => !seen[what].has(name)),
  )
  expect(missing).toEqual([])
})

import * as sdk from '@aws-sdk/client-swf'
import { expect, test } from 'vitest'
import { HISTORY_EVENTS } from '../../src/swf/event-table.js'
import { attributesMember, type EventType } from '../../src/swf/history-event.js'

/** The SDK's runtime schema of a structure: [kind, namespace, name, traits, members, types, how many of them are required]. */
type Structure = [number, string, string, unknown, string[], unknown[], number?]
const schemas = sdk as unknown as Record<string, Structure>

const sorted = (names: readonly string[]) => [...names].sort()

test('the table has the 54 events of the service model', () => {
  const members = schemas.HistoryEvent$![4].filter(name => name.endsWith('EventAttributes'))
  expect(sorted(Object.keys(HISTORY_EVENTS).map(type => attributesMember(type as EventType)))).toEqual(sorted(members))
  expect(members).toHaveLength(54)
})

test.each(Object.entries(HISTORY_EVENTS))(
  '%s has the members of the service model, required ones included',
  (type, members) => {
    const [, , , , names, , required = 0] = schemas[`${type}EventAttributes$`]!
    expect(sorted(Object.keys(members))).toEqual(sorted(names))
    const needed = Object.entries(members).flatMap(([name, kind]) => ('optional' in kind ? [] : [name]))
    expect(sorted(needed)).toEqual(sorted(names.slice(0, required)))
  },
)

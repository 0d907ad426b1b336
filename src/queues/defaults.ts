// What a deployment says of its queues, until an operator says otherwise.

import { milliseconds, type Duration } from '../swf/duration.js'
import { changeSettings, DEFAULT_SETTINGS, SettingsRefused, type QueueSettings } from './settings.js'

/** The deployment's settings of one task list; what is left out stays at its default. */
export interface QueueDefaults {
  /** Activities that the whole fleet runs at a time. @default 50 */
  concurrency?: number
  /** Activities that one process runs at a time. @default 20 */
  workerConcurrency?: number
  /** Tasks polled beyond those that can run at once. @default 0 */
  prefetch?: number
  /** At most `tasks` are polled in `per`: `{ tasks: 100, per: '1s' }`. @default no limit */
  rateLimit?: { tasks: number; per: Duration }
  /** Polls nothing until an operator resumes the queue. @default false */
  startPaused?: boolean
}

const MEMBERS: ReadonlySet<string> = new Set([
  'concurrency',
  'workerConcurrency',
  'prefetch',
  'rateLimit',
  'startPaused',
] satisfies (keyof QueueDefaults)[])

/** Returns the settings that hold until an operator changes them. Throws SettingsRefused. */
export function settingsOf(defaults: QueueDefaults, base: QueueSettings = DEFAULT_SETTINGS): QueueSettings {
  const { startPaused, rateLimit, ...numbers } = defaults
  const limit = rateLimit && { tasks: rateLimit.tasks, per: milliseconds(rateLimit.per) }
  const change = {
    ...numbers,
    ...(startPaused !== undefined && { paused: startPaused }),
    ...(limit && { rateLimit: limit }),
  }
  const { changedBy: _by, changedAt: _at, ...settings } = changeSettings(base, change, '', 0)
  return { ...settings, version: 0 }
}

/**
 * Reads defaults by task list from JSON: `{ "activities": { "concurrency": 50 } }`.
 * Throws SettingsRefused for what is none, naming the task list and the member.
 */
export function parseQueueDefaults(text: string): Record<string, QueueDefaults> {
  const json = parseJson(text)
  if (!isObject(json))
    throw new SettingsRefused('queues is an object by task list: { "activities": { "concurrency": 50 } }')
  for (const [taskList, defaults] of Object.entries(json)) check(taskList, defaults)
  return json as Record<string, QueueDefaults>
}

function check(taskList: string, defaults: unknown): void {
  if (!isObject(defaults)) throw new SettingsRefused(`queues.${taskList} must be an object`)
  const unknown = Object.keys(defaults).filter(name => !MEMBERS.has(name))
  if (unknown.length)
    throw new SettingsRefused(`queues.${taskList}.${unknown[0]} is not known: there are ${[...MEMBERS].join(', ')}`)
  if (typeof (defaults.startPaused ?? false) !== 'boolean')
    throw new SettingsRefused(`queues.${taskList}.startPaused is true or false`)
  if (defaults.rateLimit !== undefined && !isObject(defaults.rateLimit))
    throw new SettingsRefused(`queues.${taskList}.rateLimit must be an object: { "tasks": 100, "per": "1s" }`)
  try {
    settingsOf(defaults as QueueDefaults)
  } catch (error) {
    throw new SettingsRefused(`queues.${taskList}: ${(error as Error).message}`)
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new SettingsRefused(`queues is no JSON: ${(error as Error).message}`)
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

// What happened on a queue, and who changed its settings.

import { Field, Float, Int, InterfaceType, ObjectType, registerEnumType } from 'type-graphql'
import type { QueueMeasures, RecordedChange, WorkerState } from '../queues/queue.js'
import { enumOf } from './enum.js'
import { QueueSettings } from './queue.type.js'
import { DateTime, Duration } from './scalar.js'
import { Worker, workerOf } from './worker.type.js'
import { ActivityType } from './workflow-type.type.js'

@ObjectType({ description: 'How long things took; within 10 %.', simpleResolvers: true })
export class Percentiles {
  @Field(() => Int, { description: 'How many were measured.' })
  count!: number

  @Field(() => Duration, { description: 'Half took no longer.' })
  p50!: number

  @Field(() => Duration, { description: '95 of 100 took no longer.' })
  p95!: number

  @Field(() => Duration, { description: '99 of 100 took no longer.' })
  p99!: number
}

@InterfaceType({ description: 'What became of activities.', resolveType: () => undefined })
export abstract class Statistics {
  @Field(() => Percentiles, {
    nullable: true,
    description: 'From the poll to the beginning of the run; what waits in SWF is not counted. Null when none began.',
  })
  wait?: Percentiles

  @Field(() => Percentiles, { nullable: true, description: 'Run time of handlers; null when none ended.' })
  run?: Percentiles

  @Field(() => Int, { description: 'Completed.' })
  completed!: number

  @Field(() => Int, { description: 'Failed by their handlers, or since their workers died one after the other.' })
  failed!: number

  @Field(() => Int, { description: 'Canceled, having been asked to.' })
  canceled!: number

  @Field(() => Int, { description: 'Given back to SWF for another try, which counts as none.' })
  handedBack!: number

  @Field(() => Float, {
    nullable: true,
    description: 'Completed among completed and failed, from 0 to 1; null when there were none.',
  })
  successRate?: number

  @Field(() => Int, { description: 'Runs of a second or later try.' })
  retries!: number

  @Field(() => Int, { description: 'Tasks taken over from workers that died.' })
  takeovers!: number

  @Field(() => Int, { description: 'Runs that were fenced off: another run owned the task when they reported.' })
  fenced!: number

  @Field(() => Int, { description: 'Tasks whose time was over before a worker could run them.' })
  expired!: number

  @Field(() => Int, {
    description: 'Runs without an outcome here: SWF had timed them out or closed them, or Redis was away.',
  })
  dropped!: number

  @Field(() => Int, { description: "Tasks whose job was lost twice: left to SWF's timeout." })
  lost!: number
}

@ObjectType({
  description: 'What became of the activities of one type.',
  implements: Statistics,
  simpleResolvers: true,
})
export class ActivityTypeStatistics extends Statistics {
  @Field(() => ActivityType, { description: 'The activity type.' })
  activityType!: ActivityType
}

@ObjectType({ description: 'What became of the activities that one worker ran.', simpleResolvers: true })
export class WorkerStatistics {
  @Field(() => Worker, { nullable: true, description: 'The worker; null when it is gone.' })
  worker?: Worker

  @Field(() => String, { description: 'Its name: host, process id, and what tells two starts apart.' })
  workerId!: string

  @Field(() => Int, { description: 'Completed.' })
  completed!: number

  @Field(() => Int, { description: 'Failed.' })
  failed!: number

  @Field(() => Int, { description: 'Canceled.' })
  canceled!: number

  @Field(() => Int, { description: 'Given back to SWF for another try.' })
  handedBack!: number

  @Field(() => Float, { nullable: true, description: 'Completed among completed and failed, from 0 to 1.' })
  successRate?: number

  @Field(() => Int, { description: 'Runs of a second or later try that it began.' })
  retries!: number

  @Field(() => Int, { description: 'Tasks taken over from it: it had died, or was silent for too long.' })
  takeovers!: number

  @Field(() => Int, { description: 'Its runs that were fenced off.' })
  fenced!: number

  @Field(() => Duration, { nullable: true, description: 'Mean run time; null when none ended.' })
  meanRun?: number
}

@ObjectType({ description: 'What happened on a queue in a time.', implements: Statistics, simpleResolvers: true })
export class QueueStatistics extends Statistics {
  @Field(() => DateTime, { description: 'Where the counting begins: a whole minute.' })
  since!: number

  @Field(() => Float, { description: 'Outcomes a second.' })
  throughput!: number

  @Field(() => [ActivityTypeStatistics], { description: 'Of each activity type that was run.' })
  activityTypes!: ActivityTypeStatistics[]

  @Field(() => [WorkerStatistics], { description: 'Of each worker that ran activities.' })
  workers!: WorkerStatistics[]
}

/** Returns what happened on a queue as clients see it. */
export function statisticsOf(
  domain: string,
  measures: QueueMeasures,
  workers: readonly WorkerState[],
): QueueStatistics {
  const { activityTypes, processes, ...rest } = measures
  return {
    ...rest,
    activityTypes: activityTypes.map(({ name, version, ...each }) => ({ activityType: { name, version }, ...each })),
    workers: processes.map(({ process, ...each }) => {
      const worker = workers.find(({ id }) => id === process)
      return { workerId: process, ...(worker && { worker: workerOf(domain, worker) }), ...each }
    }),
  }
}

const ChangeReason = enumOf(['OPERATOR', 'DEFAULTS', 'RESTORED'])
registerEnumType(ChangeReason, {
  name: 'QueueChangeReason',
  description: "Why a queue's settings changed.",
  valuesConfig: {
    OPERATOR: { description: 'Somebody changed them.' },
    DEFAULTS: { description: "A worker started with the deployment's defaults, and no operator had changed them." },
    RESTORED: { description: 'Redis had lost them; a worker put back what it had obeyed.' },
  },
})

@ObjectType({ description: "One change of a queue's settings.", simpleResolvers: true })
export class QueueChange {
  @Field(() => DateTime, { description: 'When.' })
  at!: number

  @Field(() => String, { description: 'Who: an operator, or a worker.' })
  by!: string

  @Field(() => ChangeReason, { description: 'Why.' })
  why!: RecordedChange['why']

  @Field(() => QueueSettings, { nullable: true, description: 'What held before; null when nothing was known.' })
  from?: QueueSettings | null

  @Field(() => QueueSettings, { description: 'What held from then on.' })
  to!: QueueSettings
}

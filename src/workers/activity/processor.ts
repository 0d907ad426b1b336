// What a process does for a task that it has begun, or is woken for and claims: run its handler, commit the outcome, tell
// SWF, close the task.
//
// A1. No handler runs unless its task has begun for it (ADMIT, CLAIM), nor after the task's deadline.
// A2. An outcome is committed before SWF is told, so that of two runs one speaks. When Redis does not answer, SWF is
//     told all the same, and takes the first: the fence holds while Redis is up.
// A3. SWF hears of the task until it has the outcome.
// A4. Nothing here rejects: a handler's errors are outcomes, and a bridge's errors are logged.
// A5. A task that its handler left open is beaten from here until Redis knows of it; then it is everybody's.
// A6. An activity's place, here and in the fleet, is free for the next once its outcome is committed; unless as many as run
//     wait for SWF to take theirs.
// A7. This process answers for a run (P5) from the moment that it asks for it until its record is closed, or it has heard that
//     the run is not its own. What it runs it compares with what Redis says, and puts back what that does not know.

import { monotonic } from '../../clock.js'
import { Backoff } from '../../lifecycle.js'
import type { DueTask } from '../../queues/due.js'
import type { Claim, Outcome, Run, TaskFacts } from '../../queues/task-record.js'
import { MINUTE, SECOND } from '../../swf/duration.js'
import { HANDED_BACK, NO_HANDLER, WORKER_LOST } from '../../swf/failure.js'
import { decodePayload, type Envelope, type Payload } from '../../swf/payload.js'
import { typeKey } from '../../swf/type-key.js'
import { OpenActivity, type AbortCode, type Handler } from '../definitions.js'
import { ActiveRun, type ActiveRunOptions } from './active-run.js'
import { openUntil } from './leave-open.js'
import { compared, fellBehind } from './compared.js'
import { bridgeFailure, runHandler } from './handler-run.js'
import { OpenTasks } from './open-tasks.js'
import { within } from './patience.js'
import { respond } from './respond.js'
import type { Room } from './room.js'

/** How long Redis may take for an outcome before SWF is told without it, in milliseconds; less when the deadline is near. */
const LONGEST_COMMIT = 2 * SECOND

export interface ProcessorOptions extends ActiveRunOptions {
  handlers: ReadonlyMap<string, Handler>
  /** How long a handler may take to stop, in milliseconds. */
  grace: number
  room: Room
  /** A slot comes free with what Redis is being asked in this turn. */
  onFreed: () => void
  /** This process has begun the task. */
  onClaimed: (task: string) => void
}

export class Processor {
  readonly #options: ProcessorOptions
  /** By nonce: a task may have two runs while the first stops. */
  readonly #active = new Map<string, ActiveRun>()
  readonly #unfinished: { task: DueTask; nonce: string }[] = []
  readonly #open: OpenTasks
  readonly #leaving = new AbortController()
  #stopping: AbortCode | undefined
  #busy = 0
  /** Outcomes that SWF is being told. */
  #telling = 0

  constructor(options: ProcessorOptions) {
    this.#options = options
    this.#open = new OpenTasks(options.records)
  }

  /** How many runs go on. */
  get active(): number {
    return this.#active.size
  }

  /** How many tasks are seen to here; those that are being claimed or closed included. */
  get busy(): number {
    return this.#busy
  }

  /** Looks at a task, and begins it if it may; never rejects. Resolves to false when it goes on waiting. */
  async look(task: string): Promise<boolean> {
    const leave = this.#options.room.take()
    if (!leave) return false
    this.#busy++
    // It may run here already, and Redis may have forgotten that.
    await this.verify([task])
    const claim = await this.#claim(task)
    this.#busy--
    if (claim && 'run' in claim) {
      this.#options.onClaimed(task)
      const payload = decodePayload(claim.run.task.input)
      void this.#occupied(task, leave, () => this.#run(claim, payload, leave))
      return true
    }
    leave()
    if (claim === undefined || claim.kind === 'FULL') return false
    if (claim.kind !== 'GONE') this.#options.onClaimed(task)
    if (claim.kind === 'EXPIRED') {
      this.expired(claim.facts)
      this.#options.onFreed()
    }
    return true
  }

  /** Goes on with a run that has begun; `leave` gives the room back that was taken for it. Never rejects. */
  async begun(run: Run, payload: Payload, leave: () => void): Promise<void> {
    await this.#occupied(run.task.id, leave, () => this.#run({ kind: 'RUN', run }, payload, leave))
  }

  async #occupied(task: string, leave: () => void, work: () => Promise<void>): Promise<void> {
    this.#busy++
    try {
      await work()
    } catch (error) {
      this.#options.log.error({ err: error, task }, 'activity task left to its timeout')
    } finally {
      this.#busy--
      leave()
    }
  }

  /** Asks SWF at once whether a task's run is to stop. */
  hint(task: string): void {
    for (const { run, heartbeat } of this.#active.values()) if (run.task.id === task) void heartbeat.beat()
  }

  /** Asks Redis whether the runs still own their tasks: others may have taken them over. @default all runs */
  async verify(tasks?: readonly string[]): Promise<void> {
    const asked = [...this.#active.values()].filter(({ run }) => !tasks || tasks.includes(run.task.id))
    await Promise.all(asked.map(({ heartbeat }) => heartbeat.check()))
  }

  /** Looks whether Redis knows what this process runs and has left open (A7); some hundreds at a time. Rejects as Redis does. */
  async compare(): Promise<void> {
    const { records, log } = this.#options
    const differ = (await compared(records, this.#active)).filter(
      ({ task: { run }, state }) => fellBehind(state, run) || (state!.nonce !== run.nonce && state!.state !== 'OPEN'),
    )
    const tasks = differ.filter(({ task, state }) => fellBehind(state, task.run)).length + (await this.#open.compare())
    if (tasks > 0) log.warn({ tasks }, 'redis has fallen behind: what this process runs or has left open is put back')
    await Promise.all(differ.map(({ name, task }) => this.#active.get(name) === task && task.heartbeat.check()))
  }

  /** Takes note of a task whose time was over before its turn came. */
  expired({ workflowExecution, activityId, activityType: { name } }: TaskFacts): void {
    const facts = { ...workflowExecution, activityId, activityType: name }
    this.#options.log.warn(facts, 'activity not run: its time was over before its turn came')
    this.#options.metrics.activityTasks.inc({ activityType: name, outcome: 'expired' })
  }

  /** Asks all runs to stop, also those that are yet to begin; they end as their code says. */
  stopAll(code: AbortCode): void {
    this.#stopping = code
    for (const { stop } of this.#active.values()) stop.ask(code)
  }

  /** Waits for SWF no longer: outcomes that it has not taken are left to others. */
  leave(): void {
    this.#leaving.abort()
  }

  /** Closes the record of a task that is over, as soon as Redis is there. */
  finish(task: DueTask, nonce: string): void {
    this.#unfinished.push({ task, nonce })
  }

  /** Closes the record of a task that is over; never rejects. */
  async #close(task: DueTask, nonce: string): Promise<void> {
    try {
      await this.#options.records.done(task, nonce)
      this.#options.records.giveUp(nonce)
    } catch {
      this.finish(task, nonce)
    }
  }

  /** Closes the records of tasks that were over while Redis was away. */
  async finishLate(): Promise<void> {
    for (let late = this.#unfinished.shift(); late; late = this.#unfinished.shift()) {
      try {
        const closing = this.#options.records.done(late.task, late.nonce)
        this.#options.onFreed()
        await closing
        this.#options.records.giveUp(late.nonce)
      } catch {
        this.#unfinished.unshift(late)
        return
      }
    }
  }

  /** Claims a task, however long Redis takes; undefined when the process stops first. */
  async #claim(task: string): Promise<Claim | undefined> {
    const { records, log, shuttingDown } = this.#options
    const nonce = records.nonce()
    const backoff = new Backoff(50, 1_000)
    for (;;) {
      try {
        const claim = await records.claim(task, nonce)
        if (!('run' in claim)) records.giveUp(nonce)
        return claim
      } catch (error) {
        log.debug({ err: (error as Error).message, task }, 'claim not answered')
      }
      await backoff.wait(shuttingDown)
      if (!shuttingDown.aborted) continue
      records.giveUp(nonce)
      return undefined
    }
  }

  async #run(claim: Extract<Claim, { run: Run }>, payload: Payload, leave: () => void): Promise<void> {
    const { run } = claim
    const { log, metrics, handlers } = this.#options
    const { activityType } = run.task
    const began = monotonic()
    const handler = handlers.get(typeKey(activityType))
    const active = new ActiveRun(this.#options, run, payload, claim.kind === 'RUN' && handler?.heartbeat === 'manual')
    this.#active.set(run.nonce, active)
    if (this.#stopping) active.stop.ask(this.#stopping)
    try {
      const outcome = await this.#outcome(claim, active, handler)
      active.heartbeat.handlerEnded()
      const told = OpenActivity.is(outcome)
        ? await this.#leaveOpen(active, outcome, openBeat(run.task, payload.envelope, handler))
        : await this.#finish(active, outcome, leave)
      const ms = Math.round((monotonic() - began) * 10) / 10
      log.info(Object.assign(active.facts, { outcome: told, ms }), 'activity executed')
      metrics.activityTasks.inc({ activityType: activityType.name, outcome: told })
    } finally {
      active.end()
      this.#active.delete(run.nonce)
      if (!active.isOwed) this.#options.records.giveUp(run.nonce)
    }
  }

  async #outcome(
    claim: Extract<Claim, { run: Run }>,
    active: ActiveRun,
    handler: Handler | undefined,
  ): Promise<Outcome | OpenActivity | undefined> {
    const { run } = claim
    const { name, version } = run.task.activityType
    if (run.takeovers > 0) this.#options.metrics.takeovers.inc({ taskList: this.#options.taskList })
    if (claim.kind === 'GIVE_UP') {
      active.log.error({ takeovers: run.takeovers }, 'activity given up: its workers died one after the other')
      return bridgeFailure(run.task, WORKER_LOST, `${run.takeovers} workers died while they ran it`)
    }
    if (!handler) {
      active.log.error({ version, taskList: this.#options.taskList }, 'no handler for a polled activity type')
      const message = `No handler for ${name} ${version} on task list ${this.#options.taskList}: add one to the app's handlers`
      return bridgeFailure(run.task, NO_HANDLER, message)
    }
    // A claim that had to be asked for again may be answered too late (A1).
    if (run.deadline !== undefined && monotonic() >= run.deadline) return undefined
    const began = monotonic()
    const outcome = await runHandler(handler, run.task, active.payload.value, active.job(), {
      stop: active.stop,
      grace: this.#options.grace,
      lastHeartbeat: () => active.heartbeat.details,
      onAbandoned: () => this.#options.metrics.abandoned.inc({ activityType: name }),
    })
    this.#options.metrics.activityDuration.observe({ activityType: name }, (monotonic() - began) / 1_000)
    return outcome
  }

  /** Hands an open task to the fleet, however long Redis takes; resolves to what became of it, for logs and metrics. */
  async #leaveOpen(active: ActiveRun, activity: OpenActivity, beat: number): Promise<string> {
    const until = openUntil(activity)
    const { run, stop, heartbeat, log } = active
    const backoff = new Backoff(50, 1_000)
    for (;;) {
      const { code } = stop
      if (code === 'FENCED') return 'fenced'
      if (code === 'CLOSED' || code === 'DEADLINE') {
        active.isOwed = true
        this.finish(run.task, run.nonce)
        return code.toLowerCase()
      }
      if (this.#leaving.signal.aborted) {
        log.error('task left open that nobody sees to: Redis did not answer')
        return 'left'
      }
      try {
        const opening = this.#open.open(run, until, beat)
        this.#options.onFreed()
        const answer = await opening
        if (answer === 'OK') {
          heartbeat.stop()
          active.isOwed = true
          this.#open.remember(run, until, beat)
          return 'left_open'
        }
        if (answer === 'STALE') return 'fenced'
        if ((await this.#options.records.restore(run)) === 'STALE') return 'fenced'
      } catch (error) {
        log.warn({ err: (error as Error).message }, 'task left open is not known to Redis, trying again')
        await backoff.wait(this.#leaving.signal)
      }
    }
  }

  /** Redis has lost its data: the tasks that this process has left open are put back. Rejects as Redis does. */
  async reopen(): Promise<void> {
    await this.#open.openAgain()
  }

  /** Commits, tells SWF and closes; resolves to what became of the task, for logs and metrics. */
  async #finish(active: ActiveRun, outcome: Outcome | undefined, leave: () => void): Promise<string> {
    const { metrics, onFreed } = this.#options
    const { run, stop, heartbeat } = active
    const { task, deadline } = run
    const { code } = stop
    let told = code === 'FENCED' || code === 'CLOSED' ? code.toLowerCase() : 'expired'
    if (outcome && (deadline === undefined || monotonic() < deadline)) {
      const answered = (await this.#commit(active, outcome, leave)) ?? (await this.#tell(active, outcome))
      told = answered === 'ANSWERED' ? nameOf(outcome) : answered.toLowerCase()
    }
    heartbeat.stop()
    if (told === 'fenced') {
      metrics.fenced.inc({ activityType: task.activityType.name })
      active.log.warn({ fencingToken: run.fencingToken }, 'outcome refused: another run owns the task')
      return told
    }
    if (told === 'left') return told
    // Not waited for: the job ends meanwhile.
    this.#busy++
    active.isOwed = true
    void this.#close(task, run.nonce).then(() => this.#busy--)
    if (active.holdsSlot) onFreed()
    return told
  }

  /** Commits; resolves to why SWF is not to be told, undefined when it is. The next activity may take its place (A6). */
  async #commit(active: ActiveRun, outcome: Outcome, leave: () => void): Promise<string | undefined> {
    const { records, room, onFreed } = this.#options
    const { deadline = Infinity } = active.run
    const makesPlace = this.#telling < room.limit
    const patience = Math.min(deadline - monotonic() - SECOND, LONGEST_COMMIT)
    const committing = records.commit(active.run, outcome, makesPlace)
    if (makesPlace) onFreed()
    const committed = await within(committing, Math.max(patience, SECOND / 4)).catch(() => undefined)
    if (committed && makesPlace) {
      active.holdsSlot = false
      leave()
    }
    return committed === 'STALE' ? 'FENCED' : committed === 'ENDED' ? 'CLOSED' : undefined
  }

  async #tell(active: ActiveRun, outcome: Outcome): Promise<string> {
    const { taskToken } = active.run.task
    const { deadline } = active.run
    this.#telling++
    const sent = { deadline, log: () => active.log, leave: this.#leaving.signal }
    const answered = await respond(this.#options.swf, taskToken, outcome, sent)
    this.#telling--
    return answered
  }
}

/** How often SWF hears of an open task: by its heartbeat timeout; else seldom, only to learn of a cancel. */
function openBeat({ beat }: Run['task'], envelope: Envelope, handler: Handler | undefined): number {
  const limited = envelope.heartbeat !== undefined || (handler?.definition.options.heartbeat ?? 'NONE') !== 'NONE'
  return limited || beat === 0 ? beat : Math.max(beat, MINUTE)
}

/** The name of an outcome in logs and metrics: a task that was handed back has not failed. */
function nameOf(outcome: Outcome): string {
  return outcome.kind === 'failed' && outcome.reason === HANDED_BACK ? 'handed_back' : outcome.kind
}

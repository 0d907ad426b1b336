// SWF's limits, and how far a run goes before it keeps away from them.

/** Operations of one kind that may be open in an execution: SWF's 1,000, less what parking and waiting for limits need. */
export const MOST_OPEN = { activity: 1_000, timer: 990, child: 1_000 } as const
export type Window = keyof typeof MOST_OPEN

/** Bytes of the decisions of one answer: SWF takes requests of 1 MB, which a codec may lengthen and the state is part of. */
export const MOST_BYTES = 700_000
/** So few decisions never come near it, whatever they hold. */
export const SURELY_FIT = 5

/** Events after which a run should continue as new. */
export const SUGGESTED_EVENTS = 10_000
/** Events after which a run is ended by HISTORY_LIMIT: SWF terminates it at 25,000, and undoing takes events too. */
export const MOST_EVENTS = 24_000

/** Seconds to wait before what SWF refused for its limits is asked for again. */
export const LIMIT_WAIT = '2'
/** SWF's causes for refusing that pass by themselves. */
export const TRY_AGAIN = /^OPEN_.*_LIMIT_EXCEEDED$|_RATE_EXCEEDED$/

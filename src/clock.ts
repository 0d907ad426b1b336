// Time, as it passes and as it is told. Durations, deadlines and what is remembered for a while are measured by `monotonic`: the
// time of day may be set at any moment, by minutes or hours, forward and back. It is for people, for other machines, and for
// what SWF says; test/support/architecture.ts lists the files that may ask for it.

/** Milliseconds since some moment of this process. Nobody can set it. */
export const monotonic: () => number = performance.now.bind(performance)

/** Returns the time of day at a moment of `monotonic`, by this machine's clock as it stands. */
export function dateAt(moment: number): Date {
  return new Date(Date.now() + moment - monotonic())
}

/** Returns the moment of `monotonic` at a time of day, by this machine's clock as it stands. */
export function momentOf(date: Date): number {
  return monotonic() + date.getTime() - Date.now()
}

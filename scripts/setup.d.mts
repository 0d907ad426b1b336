export interface SetupOptions {
  root: string
  /** Build in any case. @default false */
  build?: boolean
  /** Find a Redis, and download one if there is none. @default true */
  redis?: boolean
  /** `REDIS_URL` does not count. @default false */
  ignoreUrl?: boolean
  say?: (text: string) => void
}

export interface Step {
  title: string
  isDone(): boolean
  run(): Promise<void>
}

/** A step of the set-up failed; the message says what to do. */
export declare class SetupFailed extends Error {}

export declare const ROOT: string
export declare function setup(options: SetupOptions): Promise<void>
export declare function setupOrExit(options?: Omit<SetupOptions, 'root'>): Promise<void>
export declare function dependencies(root: string): Step
export declare function builds(root: string): Step[]
export declare function requireNode(version?: string): void

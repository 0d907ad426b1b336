export interface LockedPackage {
  version?: string
  dev?: boolean
  optional?: boolean
  os?: string[]
  cpu?: string[]
  libc?: string[]
  optionalDependencies?: Record<string, string>
}

export interface Lockfile {
  packages: Record<string, LockedPackage>
}

export declare function missingPackages(lock: Lockfile): [name: string, version: string, by: string][]
export declare function completed(lock: Lockfile): Lockfile

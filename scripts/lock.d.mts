export declare function withLock<T>(
  file: string,
  work: () => Promise<T>,
  waiting?: (holder: number | undefined) => void,
): Promise<T>

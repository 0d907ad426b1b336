// How long Redis is waited for where something else cannot wait.

import { RedisUnavailable } from '../../redis.js'

/** What an answer gets that lies in the socket of a process that was blocked itself, in milliseconds. */
const READ = 50

/** Resolves as `answer` does; rejects with RedisUnavailable when it has not come in `patience` milliseconds. */
export function within<T>(answer: Promise<T>, patience: number): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer = setTimeout(() => {
      timer = setTimeout(() => reject(new RedisUnavailable()), READ)
    }, patience)
    answer.then(
      value => {
        clearTimeout(timer)
        resolve(value)
      },
      (error: Error) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}

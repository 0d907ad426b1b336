// The files of a store, looked at before the database opens them: what it would take for less than it is, without a word.
//
// SC1. The log (`swf.db-wal`): SQLite takes it up to its first bad frame and forgets the rest, which is right for the end of
//      a log that a crash has torn, and wrong for damage in its middle. A transaction is written when the one before it has
//      been synced: a log with a whole transaction after its first bad frame, and more after that, has lost what was answered.
// SC2. A database of less than one page is an empty one to SQLite: only one without a byte and without a log is new.

import { readFile, stat } from 'node:fs/promises'
import { endianness } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'

const PAGE = 4_096
const HEADER = 32
const FRAME_HEADER = 24
const MAGIC = 0x377f0682
/** How often a log is read that does not look whole: a process that still uses it may just have been writing. */
const LOOKS = 3

const ifThere = (error: NodeJS.ErrnoException) => {
  if (error.code !== 'ENOENT') throw error
}

/** Returns what is wrong with the files of a store, if it can be seen from them. */
export async function findDamage(file: string): Promise<string | undefined> {
  const size = (await stat(file).catch(ifThere))?.size ?? 0
  for (let look = 1; ; look++) {
    const log = (await readFile(`${file}-wal`).catch(ifThere)) ?? Buffer.alloc(0)
    if (size < PAGE && size + log.length > 0) return `it has only ${size} bytes`
    if (isWhole(log)) return undefined
    if (look === LOOKS) return `its log ${file}-wal has bytes that are not its own`
    await delay(50)
  }
}

function isWhole(log: Buffer): boolean {
  if (log.length < HEADER || log.subarray(0, HEADER).every(byte => byte === 0)) return true
  const magic = log.readUInt32BE(0)
  if (magic >>> 1 !== MAGIC >>> 1) return false
  const size = FRAME_HEADER + log.readUInt32BE(8)
  const swapped = (magic & 1) !== (endianness() === 'BE' ? 1 : 0)
  let sum = checksum([0, 0], log.subarray(0, 24), swapped)
  if (!sums(sum, log, 24)) return false
  const salt = log.subarray(16, 24)
  let good = true
  /** Whether a transaction ends after the first bad frame, or in it. */
  let lost = false
  for (let at = HEADER; at + size <= log.length; at += size) {
    const ours = log.subarray(at + 8, at + 16).equals(salt)
    if (lost && ours) return false
    if (good) {
      sum = checksum(checksum(sum, log.subarray(at, at + 8), swapped), log.subarray(at + 24, at + size), swapped)
      good = ours && sums(sum, log, at + 16)
    }
    if (!good && ours && log.readUInt32BE(at + 4) > 0) lost = true
  }
  return true
}

type Sum = readonly [number, number]

const sums = ([first, second]: Sum, log: Buffer, at: number): boolean =>
  log.readUInt32BE(at) === first && log.readUInt32BE(at + 4) === second

/** SQLite's checksum of a log: a running one, over pairs of 32 bits. */
function checksum([first, second]: Sum, bytes: Buffer, swapped: boolean): Sum {
  const copy = Buffer.from(bytes)
  if (swapped) copy.swap32()
  const words = new Uint32Array(copy.buffer, copy.byteOffset, copy.length / 4)
  for (let i = 0; i < words.length; i += 2) {
    first = (first + words[i]! + second) >>> 0
    second = (second + words[i + 1]! + first) >>> 0
  }
  return [first, second]
}

import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { readUint64, writeUint64 } from '../../../codec/record.js'

/** What has been acknowledged: the last record's seq, and the number of the last commit. */
export type Acknowledgement = { readonly seq: number; readonly commit: number }

const SLOT_BYTES = 20

/**
 * The file `acknowledged` beside the database: what the last commit was, written after each one, without fsync. It is never ahead of the
 * database, so a database that ends earlier has lost what it once acknowledged. Two slots take turns: one is whole at any moment.
 *
 * A slot: seq u64 BE, commit u64 BE, CRC-32 u32 BE of the 16 bytes.
 */
export class AcknowledgedFile {
  readonly #file: number
  readonly #slot = Buffer.alloc(SLOT_BYTES)
  #turn = 0

  /** Opens or makes the file (0600). */
  constructor(path: string) {
    this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600)
  }

  /** The newest whole slot; undefined when there is none (a new store, or the file was lost). */
  read(): Acknowledgement | undefined {
    const bytes = Buffer.alloc(SLOT_BYTES * 2)
    const length = Math.min(fstatSync(this.#file).size, bytes.length)
    readSync(this.#file, bytes, 0, length, 0)
    const [first, second] = [parse(bytes.subarray(0, SLOT_BYTES)), parse(bytes.subarray(SLOT_BYTES))]
    const isSecondNewer = second !== undefined && (first === undefined || second.commit > first.commit)
    this.#turn = isSecondNewer ? 0 : 1
    return isSecondNewer ? second : first
  }

  /** Notes a commit. */
  write(seq: number, commit: number): void {
    const slot = this.#slot
    writeUint64(slot, 0, seq)
    writeUint64(slot, 8, commit)
    slot.writeUInt32BE(crc32(slot.subarray(0, 16)), 16)
    writeSync(this.#file, slot, 0, SLOT_BYTES, this.#turn * SLOT_BYTES)
    this.#turn = 1 - this.#turn
  }

  close(): void {
    closeSync(this.#file)
  }
}

function parse(slot: Buffer): Acknowledgement | undefined {
  if (slot.readUInt32BE(16) !== crc32(slot.subarray(0, 16))) return undefined
  const commit = readUint64(slot, 8)
  return commit === 0 ? undefined : { seq: readUint64(slot, 0), commit }
}

import { openValue, sealValue } from '../../../codec/record.js'
import { KefuError } from '../../../errors.js'
import { dedupeSide } from '../../core/conversation.js'
import { RecentIds } from '../../core/recent-ids.js'
import type { RecordBody } from '../../core/records.js'

/** The writer's side of an id: contacts' and staff's ids do not compete. */
export type Side = 'contact' | 'staff'

/**
 * The ids that the two sides of a conversation used last. The log has them all; what is saved (under `S`, every `SAVE_RECORDS` records) only spares a reader
 * the way back: it takes the saved window and the records since.
 */
export class IdWindow {
  #contact: RecentIds | undefined
  #staff: RecentIds | undefined

  /** Ids of a side; undefined when it has none. */
  of(side: Side): RecentIds | undefined {
    return side === 'contact' ? this.#contact : this.#staff
  }

  /** Remembers the id of record `n`. */
  remember(side: Side, id: string, n: number): void {
    this.#side(side).add(id, n)
  }

  /** Remembers the id that record `n` has or, if it is forgotten, had. */
  note(body: RecordBody, n: number): void {
    if (body.type === 'message' && body.id !== undefined) this.remember(dedupeSide(body), body.id, n)
    else if (body.type === 'forgotten' && body.idHash !== undefined)
      this.#side(dedupeSide(body)).addHash(body.idHash, n)
  }

  /** The window after record `n`, with a CRC. */
  seal(key: Uint8Array, n: number): Uint8Array {
    return sealValue(key, [n, this.#contact?.toBytes() ?? null, this.#staff?.toBytes() ?? null])
  }

  /** What `seal` wrote after record `n`. Throws `KEFU_CODEC_INVALID`, also when it was another record. */
  static open(key: Uint8Array, bytes: Uint8Array, n: number): IdWindow {
    const fields = openValue(key, bytes)
    if (!Array.isArray(fields) || fields.length !== 3 || fields[0] !== n)
      throw new KefuError('KEFU_CODEC_INVALID', { reason: `not the window after record ${n}` })
    const [, contact, staff] = fields as [number, Uint8Array | null, Uint8Array | null]
    const window = new IdWindow()
    if (contact !== null) window.#contact = RecentIds.from(contact)
    if (staff !== null) window.#staff = RecentIds.from(staff)
    return window
  }

  #side(side: Side): RecentIds {
    if (side === 'contact') {
      this.#contact ??= new RecentIds()
      return this.#contact
    }
    this.#staff ??= new RecentIds()
    return this.#staff
  }
}

/**
 * Records after which a window that is loaded is saved again. A reader reads those since on top of it: about as many, or more when there were records without
 * ids while the window was not loaded, which do not load it.
 */
export const SAVE_RECORDS = 32

import { KefuError } from '../../errors.js'
import type { MasterKeyKind, MasterKeySource } from '../core/vault.js'
import type { KeyFacts, NextKey, OpenedKey } from './master-keys.js'
import type { MasterKey } from './seal.js'
import { KEY_ENTRY, keyBefore, keyEntryOf, parseKeyEntry } from './sealed-entry.js'
import type { VaultPorts } from './vault-ports.js'

/**
 * The master keys that a vault knows: the present one, and the one before it while something is still sealed under that.
 *
 * Another key takes its place with one write, of the key's entry in the directory: from then on it is the key, and the one before it stands in that entry, sealed
 * under the new one. Whoever has the new key can therefore go on at any later moment; whoever has the old one learns nothing of the new one.
 */
export class KeyRing {
  readonly #ports: VaultPorts
  #present: OpenedKey | undefined
  #before: MasterKey | undefined
  /** The id in the directory. */
  #storedId: string | undefined
  /** A next key of which it is not known whether it took effect, or which has not been settled; and where the one before it came from. */
  #pending: { readonly next: NextKey; readonly former: MasterKeyKind | undefined } | undefined

  private constructor(ports: VaultPorts, present: OpenedKey | undefined) {
    this.#ports = ports
    this.#present = present
  }

  /** The keys of a store with so many sealed entries. Throws what opening the key throws. */
  static async open(ports: VaultPorts, sealed: number): Promise<KeyRing> {
    const entry = await ports.directory.get(KEY_ENTRY)
    const facts = parseKeyEntry(entry?.value)
    if (entry !== null && facts === undefined)
      ports.report(new KefuError('KEFU_STORE_CORRUPT', { where: `directory entry ${KEY_ENTRY}` }))
    const ring = new KeyRing(ports, await ports.keys.open(facts, sealed))
    ring.#storedId = facts?.id
    if (ring.#present !== undefined && facts?.id === ring.#present.key.id)
      ring.#before = keyBefore(facts, ring.#present.key)
    return ring
  }

  get present(): OpenedKey | undefined {
    return this.#present
  }

  /** Set from the moment at which another key took its place until everything is sealed under that. */
  get before(): MasterKey | undefined {
    return this.#before
  }

  /** The keys that may open something. */
  get all(): readonly MasterKey[] {
    return [this.#present?.key, this.#before].flatMap(key => (key === undefined ? [] : [key]))
  }

  /** The key to seal with; the first time it is made. The directory knows it before anything is sealed under it. */
  async sealing(): Promise<MasterKey> {
    this.#present ??= await this.#ports.keys.make()
    const { key } = this.#present
    if (this.#storedId !== key.id) {
      await this.#store(keyEntryOf(this.#present, undefined, this.#ports.random))
      this.#storedId = key.id
    }
    return key
  }

  /** Puts another key in the place of the present one, which stays known as the one before. Throws `KEFU_USAGE` when it is the present one, and what getting it throws. */
  async replace(source: MasterKeySource): Promise<void> {
    const next = await this.#ports.keys.next(source)
    if (next.key.id === this.#present?.key.id) {
      await next.discard()
      throw new KefuError('KEFU_USAGE', { reason: 'the next master key is the present one' })
    }
    // Not discarded when this fails: it may be on the disk all the same.
    this.#pending = { next, former: this.#present?.kind }
    await this.#store(keyEntryOf(next, this.#present?.key, this.#ports.random))
    await this.settlePending()
  }

  /** Ends a replacement that failed half-way: the next key takes its place if the directory says so, and goes if not. */
  async settlePending(): Promise<void> {
    if (this.#pending === undefined) return
    const { next, former } = this.#pending
    const facts = await this.#facts()
    if (facts?.id === next.key.id) {
      if (this.#present !== next) this.#before = this.#present?.key
      this.#present = next
      this.#storedId = next.key.id
      await next.settle(former)
    } else await next.discard()
    this.#pending = undefined
  }

  /** Nothing is sealed under the key before any more. */
  async forgetBefore(): Promise<void> {
    if (this.#present === undefined) return
    await this.#store(keyEntryOf(this.#present, undefined, this.#ports.random))
    this.#before = undefined
  }

  async #facts(): Promise<KeyFacts | undefined> {
    return parseKeyEntry((await this.#ports.directory.get(KEY_ENTRY))?.value)
  }

  async #store(entry: object): Promise<void> {
    const { directory } = this.#ports
    const present = await directory.get(KEY_ENTRY)
    await (present === null ? directory.create(KEY_ENTRY, entry) : directory.update(KEY_ENTRY, entry, present.revision))
  }
}

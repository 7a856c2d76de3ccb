import { KefuError } from '../../errors.js'
import { checkedCredentialName, checkedCredentialValue, checkedKeepMs } from '../core/credential-bounds.js'
import {
  CREDENTIALS_PER_OWNER,
  type Credential,
  type CredentialInfo,
  type MasterKeyKind,
  type MasterKeySource,
  type SecretOwner,
  type UnreadableCredential,
  type VaultControlPort,
} from '../core/vault.js'
import { Credentials, type Held } from './credentials.js'
import { KeyRing } from './key-ring.js'
import {
  CREDENTIAL_PREFIX,
  credentialKey,
  isSecretOwner,
  openCredential,
  placeOfKey,
  sealCredential,
} from './sealed-entry.js'
import type { VaultPorts } from './vault-ports.js'

/** Longest timer; a longer time is waited for in pieces. */
const TIMER_LIMIT_MS = 24 * 60 * 60 * 1000

/**
 * The vault of the embedded engine: each credential is one entry of the directory, sealed with AES-256-GCM for its owner and name, and in memory in clear.
 * Changes take turns; what a change that failed has left on the disk is read before the next one.
 */
export class Vault implements VaultControlPort {
  readonly #ports: VaultPorts
  readonly #ring: KeyRing
  readonly #credentials: Credentials
  readonly #unreadable = new Map<string, UnreadableCredential>()
  readonly #rotations = new Map<string, symbol>()
  readonly #listeners = new Set<(owner: SecretOwner) => void>()
  /** Entries of which it is not known whether they were written. */
  readonly #doubtful = new Set<string>()
  #last: Promise<unknown> = Promise.resolve()
  #cancelTimer: (() => void) | undefined
  #isClosed = false

  private constructor(ports: VaultPorts, ring: KeyRing) {
    this.#ports = ports
    this.#ring = ring
    this.#credentials = new Credentials(ports.clock)
  }

  /**
   * Reads what is stored. Credentials that cannot be read do not keep it from opening; `unreadable` names them. Goes on with what a crash interrupted.
   * Throws what getting the master key throws.
   */
  static async open(ports: VaultPorts): Promise<Vault> {
    const entries = await ports.directory.list(CREDENTIAL_PREFIX)
    const vault = new Vault(ports, await KeyRing.open(ports, entries.length))
    for (const { key, value } of entries) vault.#adopt(key, value)
    const goOn = async (): Promise<void> => {
      await vault.#finishRekey()
      await vault.#forgetEnded()
    }
    await vault.#exclusive(goOn).catch(ports.report)
    vault.#arm()
    return vault
  }

  secrets(owner: SecretOwner): ReadonlyMap<string, Credential> {
    return this.#credentials.secrets(owner)
  }

  list(owner?: SecretOwner): readonly CredentialInfo[] {
    return this.#credentials.all(owner).map(held => {
      const { value, setAt } = held
      const previous = this.#credentials.livePrevious(held)
      return {
        owner: held.owner,
        name: held.name,
        setAt,
        ...(previous === undefined ? {} : { previousUntil: previous.until }),
        ...(this.#rotations.has(credentialKey(held.owner, held.name)) ? { staged: true } : {}),
        digest: this.#ring.present?.key.digest(value) ?? '',
      }
    })
  }

  unreadable(owner?: SecretOwner): readonly UnreadableCredential[] {
    const all = [...this.#unreadable.entries()].filter(([, found]) => owner === undefined || found.owner === owner)
    return all.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, found]) => found)
  }

  async set(owner: SecretOwner, name: string, value: string): Promise<void> {
    const key = checkedPlace(owner, name)
    checkedCredentialValue(value)
    await this.#exclusive(async () => {
      if (this.#rotations.has(key)) throw new KefuError('KEFU_CREDENTIAL_ROTATING', { name })
      const present = this.#credentials.get(owner, name)
      if (present?.value === value && present.previous === undefined) return
      this.#checkRoom(owner, key)
      await this.#put(owner, name, { value, setAt: this.#ports.clock.now() })
    })
  }

  remove(owner: SecretOwner, name: string): Promise<boolean> {
    return this.#exclusive(() => this.#remove(owner, name))
  }

  async removeOwner(owner: SecretOwner): Promise<void> {
    await this.#exclusive(async () => {
      const names = [...this.#credentials.all(owner), ...this.unreadable(owner)].map(({ name }) => name)
      for (const name of names) await this.#remove(owner, name)
    })
  }

  async rotate(
    owner: SecretOwner,
    name: string,
    value: string,
    { keepMs, test }: Parameters<VaultControlPort['rotate']>[3],
  ): Promise<void> {
    const key = checkedPlace(owner, name)
    checkedCredentialValue(value)
    checkedKeepMs(keepMs)
    const own = Symbol(name)
    const staged = await this.#exclusive(async () => {
      this.#need(owner, name)
      if (this.#rotations.has(key)) throw new KefuError('KEFU_CREDENTIAL_ROTATING', { name })
      this.#rotations.set(key, own)
      // Without the one before: what is signed with both would be believed for its sake.
      return new Map(this.secrets(owner)).set(name, { value })
    })
    try {
      await test(staged)
      await this.#exclusive(async () => {
        const present = this.#need(owner, name)
        if (this.#rotations.get(key) !== own) throw this.#notFound(owner)
        if (present.value === value) return
        const setAt = this.#ports.clock.now()
        const previous = { value: present.value, until: setAt + keepMs, keepMs }
        await this.#put(owner, name, keepMs === 0 ? { value, setAt } : { value, setAt, previous })
      })
    } finally {
      if (this.#rotations.get(key) === own) this.#rotations.delete(key)
    }
  }

  rekey(next: MasterKeySource): Promise<{ readonly sealed: number }> {
    return this.#exclusive(async () => {
      await this.#finishRekey()
      const [first] = this.unreadable()
      if (first !== undefined) throw unreadable(first)
      await this.#ring.replace(next)
      return { sealed: await this.#finishRekey() }
    })
  }

  onChange(callback: (owner: SecretOwner) => void): () => void {
    this.#listeners.add(callback)
    return () => this.#listeners.delete(callback)
  }

  get key(): { readonly kind: MasterKeyKind; readonly id: string } | undefined {
    const { present } = this.#ring
    return present === undefined ? undefined : { kind: present.kind, id: present.key.id }
  }

  /** Ends the timer. What is being written is the directory's. */
  close(): void {
    this.#isClosed = true
    this.#cancelTimer?.()
  }

  /** Runs a change after all earlier ones, on what is really stored. */
  #exclusive<T>(change: () => Promise<T>): Promise<T> {
    const run = async (): Promise<T> => {
      await this.#ring.settlePending()
      for (const key of this.#doubtful) {
        const entry = await this.#ports.directory.get(key)
        this.#doubtful.delete(key)
        if (entry === null) this.#drop(key)
        else this.#adopt(key, entry.value)
        this.#changed(key)
      }
      return await change()
    }
    const turn = this.#last.then(run, run)
    this.#last = turn
    return turn
  }

  async #put(owner: SecretOwner, name: string, record: Omit<Held, 'owner' | 'name' | 'key'>): Promise<void> {
    const { directory, random } = this.#ports
    const key = credentialKey(owner, name)
    const sealing = await this.#ring.sealing()
    const sealed = sealCredential(sealing, owner, name, record, random)
    await this.#write(key, async () => {
      const entry = await directory.get(key)
      await (entry === null ? directory.create(key, sealed) : directory.update(key, sealed, entry.revision))
    })
    this.#unreadable.delete(key)
    this.#credentials.put({ ...record, owner, name, key: sealing.id })
    this.#arm()
    this.#changed(key)
  }

  async #remove(owner: SecretOwner, name: string): Promise<boolean> {
    const { directory } = this.#ports
    const key = credentialKey(owner, name)
    const entry = await directory.get(key)
    if (entry === null) return false
    this.#rotations.delete(key)
    await this.#write(key, () => directory.remove(key, entry.revision))
    this.#drop(key)
    this.#changed(key)
    return true
  }

  async #write(key: string, write: () => Promise<void>): Promise<void> {
    try {
      await write()
    } catch (error) {
      this.#doubtful.add(key)
      throw error
    }
  }

  /** Seals what is still under the key before the present one, then gives that key up. How many were sealed. */
  async #finishRekey(): Promise<number> {
    if (this.#ring.before === undefined) return 0
    const present = this.#ring.present?.key.id
    let sealed = 0
    for (const { owner, name, key, ...record } of this.#credentials.all()) {
      if (key === present) continue
      await this.#put(owner, name, record)
      sealed++
    }
    await this.#ring.forgetBefore()
    return sealed
  }

  /** Takes what is stored into memory. */
  #adopt(key: string, stored: unknown): void {
    const place = placeOfKey(key)
    if (place === undefined) {
      this.#ports.report(new KefuError('KEFU_STORE_CORRUPT', { where: 'a directory entry of a credential' }))
      return
    }
    const { owner, name } = place
    const opened = openCredential(this.#ring.all, owner, name, stored)
    if ('record' in opened) {
      this.#unreadable.delete(key)
      this.#credentials.put({ ...opened.record, owner, name, key: opened.key })
      return
    }
    this.#credentials.drop(owner, name)
    this.#unreadable.set(key, { owner, name, problem: opened.problem })
  }

  #drop(key: string): void {
    this.#unreadable.delete(key)
    const place = placeOfKey(key)
    if (place !== undefined) this.#credentials.drop(place.owner, place.name)
  }

  #arm(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    const endsMs = this.#credentials.nextEndMs()
    if (endsMs === Number.POSITIVE_INFINITY || this.#isClosed) return
    const { clock, report } = this.#ports
    const leftMs = Math.min(TIMER_LIMIT_MS, Math.max(0, endsMs - clock.monotonicMs()))
    this.#cancelTimer = clock.after(leftMs, () => {
      // It counts no more from now on, whatever becomes of the write.
      for (const { owner, name } of this.#credentials.ended()) this.#changed(credentialKey(owner, name))
      this.#exclusive(() => this.#forgetEnded())
        .catch(report)
        .finally(() => this.#arm())
    })
  }

  /** Takes replaced values whose time is over out of the store. */
  async #forgetEnded(): Promise<void> {
    for (const held of this.#credentials.ended()) {
      // First here: a write that fails must not have it tried again at once. The next start, or the next change, finds it on the disk.
      this.#credentials.forget(held)
      await this.#put(held.owner, held.name, { value: held.value, setAt: held.setAt })
    }
  }

  #need(owner: SecretOwner, name: string): Held {
    const held = this.#credentials.get(owner, name)
    if (held !== undefined) return held
    const found = this.#unreadable.get(credentialKey(owner, name))
    throw found === undefined ? this.#notFound(owner) : unreadable(found)
  }

  #checkRoom(owner: SecretOwner, key: string): void {
    const keys = new Set([...this.#credentials.all(owner), ...this.unreadable(owner)].map(keyOf))
    if (keys.has(key) || keys.size < CREDENTIALS_PER_OWNER) return
    throw new KefuError('KEFU_CREDENTIAL_INVALID', { reason: `there are ${CREDENTIALS_PER_OWNER} of them already` })
  }

  #notFound(owner: SecretOwner): KefuError {
    return new KefuError('KEFU_CREDENTIAL_NOT_FOUND', { owner, suggestion: '' })
  }

  #changed(key: string): void {
    const owner = placeOfKey(key)?.owner
    if (owner !== undefined) for (const listener of this.#listeners) listener(owner)
  }
}

function keyOf({ owner, name }: { readonly owner: SecretOwner; readonly name: string }): string {
  return credentialKey(owner, name)
}

function checkedPlace(owner: SecretOwner, name: string): string {
  if (!isSecretOwner(owner)) throw new KefuError('KEFU_CREDENTIAL_INVALID', { reason: 'nobody has this owner' })
  return credentialKey(owner, checkedCredentialName(name))
}

function unreadable({ owner, name, problem }: UnreadableCredential): KefuError {
  return new KefuError('KEFU_CREDENTIAL_UNREADABLE', { owner, name, reason: problem })
}

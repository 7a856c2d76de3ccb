import type { Clock } from '../core/ports.js'
import type { Credential, SecretOwner } from '../core/vault.js'
import type { CredentialRecord } from './sealed-entry.js'

/** A credential in memory, and the id of the master key that its entry is sealed under. */
export type Held = CredentialRecord & { readonly owner: SecretOwner; readonly name: string; readonly key: string }

/** A held credential, and until when the value before it counts, by the monotonic clock. */
type Kept = { readonly held: Held; readonly endsMs: number }

type Owned = {
  readonly kept: Map<string, Kept>
  /** What `secrets` answers, and until when: it is made anew when something changes or ends. */
  view: { readonly secrets: ReadonlyMap<string, Credential>; readonly untilMs: number } | undefined
}

const NONE: ReadonlyMap<string, Credential> = new Map()
const NEVER = Number.POSITIVE_INFINITY

/** The credentials in memory, in clear. A replaced value stops counting by the monotonic clock, whatever becomes of the entry on the disk. */
export class Credentials {
  readonly #clock: Clock
  readonly #owners = new Map<SecretOwner, Owned>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** What counts of an owner's. The same map until that changes. */
  secrets(owner: SecretOwner): ReadonlyMap<string, Credential> {
    const owned = this.#owners.get(owner)
    if (owned === undefined) return NONE
    if (owned.view !== undefined && (owned.view.untilMs === NEVER || this.#clock.monotonicMs() < owned.view.untilMs))
      return owned.view.secrets
    const secrets = new Map<string, Credential>()
    let untilMs = NEVER
    for (const { held, endsMs } of owned.kept.values()) {
      const previous = this.livePrevious(held)
      if (previous !== undefined) untilMs = Math.min(untilMs, endsMs)
      secrets.set(
        held.name,
        previous === undefined ? { value: held.value } : { value: held.value, previous: previous.value },
      )
    }
    owned.view = { secrets, untilMs }
    return secrets
  }

  get(owner: SecretOwner, name: string): Held | undefined {
    return this.#owners.get(owner)?.kept.get(name)?.held
  }

  /** By owner, then name. */
  all(owner?: SecretOwner): readonly Held[] {
    const owners = owner === undefined ? [...this.#owners.keys()].sort() : [owner]
    return owners.flatMap(each => {
      const kept = [...(this.#owners.get(each)?.kept.values() ?? [])]
      return kept.map(({ held }) => held).sort((a, b) => (a.name < b.name ? -1 : 1))
    })
  }

  /** The value before, while it counts. */
  livePrevious({ owner, name }: Held): CredentialRecord['previous'] {
    const kept = this.#owners.get(owner)?.kept.get(name)
    return kept === undefined || this.#clock.monotonicMs() >= kept.endsMs ? undefined : kept.held.previous
  }

  /** Takes one in, as it is stored now. The wall clock may have been set since: a value before it counts for no longer than it was given. */
  put(held: Held): void {
    const owned = this.#owners.get(held.owner) ?? { kept: new Map<string, Kept>(), view: undefined }
    this.#owners.set(held.owner, owned)
    owned.kept.set(held.name, { held, endsMs: this.#endOf(held, owned.kept.get(held.name)) })
    owned.view = undefined
  }

  drop(owner: SecretOwner, name: string): void {
    const owned = this.#owners.get(owner)
    if (owned === undefined) return
    owned.kept.delete(name)
    owned.view = undefined
    if (owned.kept.size === 0) this.#owners.delete(owner)
  }

  /** Lets go of the value before, whatever is on the disk. */
  forget({ owner, name, key, value, setAt }: Held): void {
    this.put({ owner, name, key, value, setAt })
  }

  /** Those whose value before has run out and is still held. */
  ended(): readonly Held[] {
    const nowMs = this.#clock.monotonicMs()
    return this.#allKept().flatMap(({ held, endsMs }) => (endsMs <= nowMs ? [held] : []))
  }

  /** When the next value before runs out, by the monotonic clock; infinity when there is none. */
  nextEndMs(): number {
    return Math.min(NEVER, ...this.#allKept().map(({ endsMs }) => endsMs))
  }

  #allKept(): readonly Kept[] {
    return [...this.#owners.values()].flatMap(({ kept }) => [...kept.values()])
  }

  #endOf({ previous }: Held, before: Kept | undefined): number {
    if (previous === undefined) return NEVER
    // The same one, sealed anew: its time goes on.
    if (before?.held.previous?.until === previous.until) return before.endsMs
    const leftMs = Math.min(Math.max(0, previous.until - this.#clock.now()), previous.keepMs)
    return this.#clock.monotonicMs() + leftMs
  }
}

import type { AuditPort, RefusedLogin } from '../core/audit.js'
import type { Clock } from '../core/ports.js'

/** What summing up refused logins stands on. */
export type RefusedLoginPorts = {
  readonly audit: Pick<AuditPort, 'record'>
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>
  /** They could not be noted. */
  report(error: unknown): void
}

/** Addresses that get an entry of their own at a time; the others share one. */
const OWN_ENTRIES = 8
/** Addresses that are told apart. */
const ADDRESSES = 512
/** How long after the first one it is written, and how seldom while there are more and more. */
const FIRST_MS = 5_000
const LONGEST_MS = 10 * 60_000

type Counted = { readonly login: RefusedLogin; attempts: number }

/**
 * Notes refused logins, summed up: soon after the first one, then the less often the longer it goes on. Whoever tries all day writes some hundred entries a day,
 * from however many addresses.
 */
export class RefusedLogins {
  readonly #ports: RefusedLoginPorts
  #counted = new Map<string, Counted>()
  #others = 0
  #waitMs = FIRST_MS
  #writtenAt = Number.NEGATIVE_INFINITY
  #cancel: (() => void) | undefined

  constructor(ports: RefusedLoginPorts) {
    this.#ports = ports
  }

  /** Counts one. Costs no more than that. */
  add(login: RefusedLogin): void {
    const { clock } = this.#ports
    const key = `${login.what} ${login.channel ?? ''} ${login.address}`
    const known = this.#counted.get(key)
    if (known !== undefined) known.attempts++
    else if (this.#counted.size < ADDRESSES) this.#counted.set(key, { login, attempts: 1 })
    else this.#others++
    if (this.#cancel !== undefined) return
    if (clock.monotonicMs() - this.#writtenAt > LONGEST_MS) this.#waitMs = FIRST_MS
    this.#cancel = clock.after(this.#waitMs, () => void this.#write())
    this.#waitMs = Math.min(2 * this.#waitMs, LONGEST_MS)
  }

  /** Writes what was counted. */
  async close(): Promise<void> {
    this.#cancel?.()
    await this.#write()
  }

  async #write(): Promise<void> {
    this.#cancel = undefined
    this.#writtenAt = this.#ports.clock.monotonicMs()
    const counted = [...this.#counted.values()].sort((a, b) => b.attempts - a.attempts)
    const others = counted.splice(OWN_ENTRIES)
    const attempts = others.reduce((sum, each) => sum + each.attempts, this.#others)
    this.#counted = new Map()
    this.#others = 0
    const notes = counted.map(({ login: { what, address, channel }, attempts }) => ({
      action: 'login.refuse',
      by: { kind: 'address', address } as const,
      ...(channel === undefined ? {} : { target: channel }),
      fields: { what, attempts },
    }))
    const rest = { action: 'login.refuse', by: { kind: 'daemon' } as const, fields: { what: 'others', attempts } }
    const all = attempts === 0 ? notes : [...notes, rest]
    await Promise.all(all.map(note => this.#ports.audit.record(note, { outcome: 'refused' }))).catch(error =>
      this.#ports.report(error),
    )
  }
}

import type { StoreFinding } from '../../core/ports.js'
import { readFailure } from './failure.js'

/** Findings that are listed; beyond, one more damaged record changes nothing. */
const FINDING_LIMIT = 1_000

/** A bounded list of findings, each message once. */
export class Findings {
  readonly list: StoreFinding[] = []
  readonly #messages = new Set<string>()

  /** False when the list is full. */
  add(finding: StoreFinding): boolean {
    if (this.#messages.has(finding.message)) return true
    if (this.list.length >= FINDING_LIMIT) return false
    this.#messages.add(finding.message)
    this.list.push(finding)
    return true
  }

  /** Something could not be read: `unreadable`. */
  unreadable(error: unknown, where: string): void {
    this.add({ kind: 'unreadable', message: readFailure(error, where).message })
  }

  /** Places of the feed that do not exist, one finding each as far as the list goes: `gap`. */
  missingInFeed(first: number, last: number): void {
    for (let seq = first; seq <= last; seq++)
      if (!this.add({ kind: 'gap', seq, message: `seq ${seq} is missing in the feed` })) return
  }
}

import { KefuError } from '../../../errors.js'
import type { Clock, DirectoryPort } from '../../core/ports.js'
import {
  dayStart,
  isPresencePart,
  PRESENCE_LIMITS,
  PRESENCE_PREFIX,
  type PresenceChange,
  PresencePart,
  presenceChanges,
  presenceDayPrefix,
  presenceKey,
} from '../../core/presence-log.js'
import type { Presence } from '../../core/routing.js'

/** What recording presence stands on. */
export type PresenceLogPorts = {
  readonly directory: DirectoryPort
  readonly clock: Clock
  /** Something could not be recorded: the first of failures in a row. */
  report(error: unknown): void
}

const FLUSH_MS = 5_000
/** So far before the day that is being recorded, the wall clock has been set back. */
const SET_BACK_MS = 3_600_000

type Part = {
  readonly key: string
  readonly part: PresencePart
  revision: number | undefined
  /** A write has failed: it may be stored nevertheless. */
  isUncertain: boolean
}

/**
 * Records who is there, in the background: every few seconds what has changed since, one change for each agent, in one entry of the directory. A process that is
 * killed loses these seconds. Keeps `PRESENCE_LIMITS.days` days beside the present one; what waits to be written is bounded by the number of agents.
 */
export class PresenceLog {
  readonly #ports: PresenceLogPorts
  /** What has been handed to a part, of those who are not offline. */
  readonly #recorded = new Map<string, Presence>()
  readonly #pending = new Map<string, { readonly at: number; readonly state: Presence }>()
  #open: Part | undefined
  /** Parts that hold more than what is stored; at most those of a day or two. */
  readonly #unwritten = new Set<Part>()
  /** Start of the day that is being recorded, and its next part. */
  #day = 0
  #nextPart = 0
  #isFailing = false
  #isFull = false
  #cancel: (() => void) | undefined
  #last: Promise<void> = Promise.resolve()

  constructor(ports: PresenceLogPorts) {
    this.#ports = ports
  }

  /** The engine begins: nobody is there. Reads where the day stands; the rest happens in the background. */
  async start(): Promise<void> {
    await this.#begin(this.#ports.clock.now())
    this.#last = this.#flush().then(() => this.#prune())
    this.#schedule()
  }

  /** Goes on with the day of an instant, where it stands: nobody but those who are recorded is there. */
  async #begin(now: number): Promise<void> {
    const parts = await this.#ports.directory.list(presenceDayPrefix(now))
    const last = parts.at(-1)
    this.#day = dayStart(now)
    this.#nextPart = last === undefined ? 0 : Number(last.key.slice(-2)) + 1
    this.#isFull = false
    this.#open = undefined
    if (last !== undefined && isPresencePart(last.value))
      this.#open = { key: last.key, part: PresencePart.of(last.value), revision: last.revision, isUncertain: false }
    this.#add({ at: now, engine: 'started' })
    for (const [agent, state] of this.#recorded) this.#add({ at: now, agent, state })
  }

  /** An agent is there, or not any more. */
  changed(agent: string, state: Presence): void {
    this.#pending.set(agent, { at: this.#ports.clock.now(), state })
  }

  /** The engine ends: writes what is left. */
  async close(): Promise<void> {
    if (this.#cancel === undefined) return
    this.#cancel()
    await this.#last
    this.#takePending()
    this.#add({ at: this.#ports.clock.now(), engine: 'stopped' })
    await this.#flush()
  }

  #schedule(): void {
    this.#cancel = this.#ports.clock.after(FLUSH_MS, () => {
      const { clock } = this.#ports
      this.#last = this.#last.then(async () => {
        const isNewDay = dayStart(clock.now()) > this.#day
        await this.#followClock()
        if (this.#pending.size > 0 || isNewDay) this.#takePending()
        await this.#flush()
        if (isNewDay) await this.#prune()
      })
      this.#schedule()
    })
  }

  /** Without it everything until that day comes would be recorded as of its beginning. */
  async #followClock(): Promise<void> {
    const now = this.#ports.clock.now()
    if (now >= this.#day - SET_BACK_MS) return
    // What waits to be written would be written over what is read here.
    await this.#flush()
    try {
      if (this.#unwritten.size === 0) await this.#begin(now)
    } catch (error) {
      this.#ports.report(error)
    }
  }

  #takePending(): void {
    const now = this.#ports.clock.now()
    if (dayStart(now) > this.#day) this.#turn(dayStart(now))
    const changes = [...this.#pending].sort(([, a], [, b]) => a.at - b.at)
    this.#pending.clear()
    for (const [agent, { at, state }] of changes) {
      if ((this.#recorded.get(agent) ?? 'offline') === state) continue
      if (state === 'offline') this.#recorded.delete(agent)
      else this.#recorded.set(agent, state)
      this.#add({ at, agent, state })
    }
  }

  /** Begins another day with everybody who is there. */
  #turn(day: number): void {
    this.#day = day
    this.#nextPart = 0
    this.#isFull = false
    this.#open = undefined
    for (const [agent, state] of this.#recorded) this.#add({ at: day, agent, state })
  }

  #add(change: PresenceChange): void {
    if (this.#isFull) return
    if (this.#open?.part.add(change) !== true) {
      if (this.#nextPart >= PRESENCE_LIMITS.partsPerDay) {
        this.#isFull = true
        this.#ports.report(new KefuError('KEFU_PRESENCE_FULL', { day: new Date(this.#day).toISOString().slice(0, 10) }))
        return
      }
      const key = presenceKey(this.#day, this.#nextPart++)
      this.#open = { key, part: new PresencePart(this.#day), revision: undefined, isUncertain: false }
      this.#open.part.add(change)
    }
    this.#unwritten.add(this.#open!)
  }

  /** Writes what is not stored; what fails is tried again the next time. Never rejects. */
  async #flush(): Promise<void> {
    for (const part of [...this.#unwritten]) {
      this.#unwritten.delete(part)
      try {
        await this.#write(part)
        this.#isFailing = false
      } catch (error) {
        part.isUncertain = true
        this.#unwritten.add(part)
        if (!this.#isFailing) this.#ports.report(error)
        this.#isFailing = true
        return
      }
    }
  }

  async #write(open: Part): Promise<void> {
    const { directory } = this.#ports
    const { value } = open.part
    if (open.isUncertain) open.revision = (await directory.get(open.key))?.revision
    open.revision =
      open.revision === undefined
        ? await directory.create(open.key, value)
        : await directory.update(open.key, value, open.revision)
    open.isUncertain = false
  }

  async #prune(): Promise<void> {
    const { directory, report } = this.#ports
    try {
      const entries = await directory.list(PRESENCE_PREFIX)
      // Days that there are, and not days of the calendar: a clock that was wrong once must not take all of them away.
      const days = [...new Set(entries.map(({ key }) => dayOf(key)))]
      const oldest = days.at(-PRESENCE_LIMITS.days - 2)
      if (oldest === undefined) return
      for (const { key, revision } of entries) if (dayOf(key) <= oldest) await directory.remove(key, revision)
    } catch (error) {
      report(error)
    }
  }
}

function dayOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/'))
}

/**
 * What is recorded from an instant's day on until another instant, in order; what comes before `since` on its day says who was there then. Throws
 * `KEFU_STORE_CORRUPT` for an entry that is no part.
 */
export async function readPresence(
  directory: Pick<DirectoryPort, 'list'>,
  since: number,
  until: number,
): Promise<PresenceChange[]> {
  const [first, last] = [presenceDayPrefix(since), presenceDayPrefix(until)]
  const found: PresenceChange[] = []
  for (const { key, value } of await directory.list(PRESENCE_PREFIX)) {
    if (key < first || key.slice(0, last.length) > last) continue
    if (!isPresencePart(value)) throw new KefuError('KEFU_STORE_CORRUPT', { where: `directory entry ${key}` })
    for (const change of presenceChanges(value)) if (change.at <= until) found.push(change)
  }
  return found
}

import { z } from 'zod'
import { KefuError, toKefuError } from '../../../errors.js'
import type { PullSignal } from '../../core/channel-adapter.js'
import type { Clock, DirectoryPort } from '../../core/ports.js'
import { removeEntry, storeEntry } from '../registry/sole-writer.js'
import type { Connection } from './connection.js'
import type { Inbound } from './inbound.js'

/** What fetching stands on. */
export type PullPorts = {
  readonly directory: Pick<DirectoryPort, 'create' | 'get' | 'list' | 'remove' | 'update'>
  readonly clock: Clock
  readonly inbound: Inbound
  report(error: unknown): void
}

/** What is known of an account of a channel. */
type Account = {
  readonly connection: Connection
  readonly key: string
  readonly account: string
  isClosed: boolean
  cursor: string | undefined
  revision: number
  /** While and after it is noted for good. */
  known: Promise<void> | undefined
  /** Fetching at this moment. */
  running: Promise<void> | undefined
  /** A signal came meanwhile. */
  isWanted: boolean
  pass: string | undefined
  retryMs: number
  cancelRetry: (() => void) | undefined
}

const PREFIX = 'pull/'
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 60_000
/** Without a signal: one may have been lost. */
const POLL_MS = 5 * 60_000
const ACCOUNTS_LIMIT = 1_000
/** Accounts that are asked at once without a signal. */
const POLLED_AT_ONCE = 8

/** What is wrong with one event, or with its conversation, however often it is tried. */
const UNUSABLE: ReadonlySet<string> = new Set(['KEFU_CALLBACK_INVALID', 'KEFU_MESSAGE_TOO_LARGE', 'KEFU_STORE_CORRUPT'])

const entrySchema = z.object({ cursor: z.string().exactOptional() })

/**
 * Fetches from platforms that only signal: one at a time per account, signals that come meanwhile as one. The cursor is stored behind the events; what is
 * fetched twice for that is stored once.
 */
export class Pulls {
  readonly #ports: PullPorts
  readonly #accounts = new Map<string, Account>()
  readonly #abort = new AbortController()
  /** Accounts to ask without a signal, in order; how many of them are being asked. */
  readonly #due = new Set<Account>()
  #polled = 0
  /** Channels that are gone, and what is going of theirs. */
  readonly #gone = new WeakSet<Connection>()
  readonly #removals = new Set<Promise<void>>()
  #cancelPoll: (() => void) | undefined

  constructor(ports: PullPorts) {
    this.#ports = ports
    this.#poll()
  }

  /** Removes what a crash has left of channels that are gone. */
  async removeStrays(isPresent: (channel: number) => boolean): Promise<void> {
    const { directory } = this.#ports
    for (const { key, revision } of await directory.list(PREFIX))
      if (!isPresent(Number(key.split('/')[1]))) await removeEntry(directory, key, revision)
  }

  /** Fetches what came while nobody listened, of all accounts of a channel that are known. */
  async opened(connection: Connection): Promise<void> {
    for (const { key, value, revision } of await this.#ports.directory.list(prefixOf(connection))) {
      if (this.#gone.has(connection)) return
      const account = this.#account(connection, key.slice(prefixOf(connection).length))
      adopt(account, value, revision)
      this.#due.add(account)
    }
    this.#pollNext()
  }

  /** Forgets the accounts of a channel that is gone, for good. */
  closed(connection: Connection): void {
    this.#gone.add(connection)
    const ending: (Promise<void> | undefined)[] = []
    for (const [key, account] of this.#accounts) {
      if (account.connection !== connection) continue
      account.cancelRetry?.()
      account.isClosed = true
      ending.push(account.known, account.running)
      this.#accounts.delete(key)
      this.#due.delete(account)
    }
    const removal = this.#remove(connection, ending).catch(this.#ports.report)
    this.#removals.add(removal)
    void removal.finally(() => this.#removals.delete(removal))
  }

  /** Behind the last write of what runs: an account would come back otherwise. */
  async #remove(connection: Connection, ending: readonly (Promise<void> | undefined)[]): Promise<void> {
    const { directory } = this.#ports
    await Promise.allSettled(ending)
    for (const { key, revision } of await directory.list(prefixOf(connection)))
      await removeEntry(directory, key, revision)
  }

  /** There is something to fetch. Resolves when it is known for good that this account exists. */
  async signalled(connection: Connection, { account: name, pass }: PullSignal): Promise<void> {
    if (this.#gone.has(connection)) throw new KefuError('KEFU_LANE_CLOSED', { reason: 'the channel is gone' })
    const account = this.#account(connection, name)
    account.pass = pass ?? account.pass
    account.known ??= this.#know(account).catch((error: unknown) => {
      account.known = undefined
      throw error
    })
    await account.known
    account.cancelRetry?.()
    this.#run(account)
  }

  /** Notes an account for good, so that it is asked after a restart, too. */
  async #know(account: Account): Promise<void> {
    if (account.revision > 0) return
    const { directory } = this.#ports
    const present = await directory.get(account.key)
    if (present === null) account.revision = await directory.create(account.key, {})
    else adopt(account, present.value, present.revision)
  }

  async close(): Promise<void> {
    this.#abort.abort()
    this.#cancelPoll?.()
    for (const account of this.#accounts.values()) account.cancelRetry?.()
    await Promise.all([...[...this.#accounts.values()].map(({ running }) => running), ...this.#removals])
  }

  #account(connection: Connection, name: string): Account {
    const key = prefixOf(connection) + name
    let account = this.#accounts.get(key)
    if (account === undefined) {
      if (this.#accounts.size >= ACCOUNTS_LIMIT)
        throw new KefuError('KEFU_LANE_CLOSED', { reason: `there are more than ${ACCOUNTS_LIMIT} accounts` })
      account = {
        connection,
        isClosed: false,
        key,
        account: name,
        cursor: undefined,
        revision: 0,
        known: undefined,
        running: undefined,
        isWanted: false,
        pass: undefined,
        retryMs: FIRST_RETRY_MS,
        cancelRetry: undefined,
      }
      this.#accounts.set(key, account)
    }
    return account
  }

  #run(account: Account): void {
    account.isWanted = true
    if (account.running !== undefined || account.isClosed || this.#abort.signal.aborted) return
    account.running = this.#fetchAll(account)
  }

  async #fetchAll(account: Account): Promise<void> {
    const { signal } = this.#abort
    while (account.isWanted && !account.isClosed && !signal.aborted) {
      account.isWanted = false
      try {
        while (!signal.aborted && !account.isClosed && (await this.#fetch(account)));
        account.retryMs = FIRST_RETRY_MS
        account.connection.pullProblem = undefined
      } catch (error) {
        if (!signal.aborted) this.#failed(account, error)
        break
      }
    }
    // In the step that has seen that no more is wanted: a signal that comes a moment later must not count on this one.
    account.running = undefined
  }

  /** One page; whether there are more. */
  async #fetch(account: Account): Promise<boolean> {
    const { connection } = account
    const { inbound, clock } = this.#ports
    const { pull } = connection.adapter
    if (pull === undefined) return false
    const { pass } = account
    const from: PullSignal = { account: account.account, ...(pass === undefined ? {} : { pass }) }
    const { events, cursor, hasMore } = await pull.call(connection.adapter, from, account.cursor, this.#abort.signal)
    const arrivedAtMs = clock.now()
    for (const event of events) {
      if (account.isClosed) return false
      await this.#take(connection, event, arrivedAtMs, inbound)
    }
    // From the same place the same comes again: whatever the platform says, that is no more.
    if (cursor === account.cursor) return false
    account.revision = await storeEntry(this.#ports.directory, account.key, { cursor }, account.revision)
    account.cursor = cursor
    return hasMore
  }

  /** One that cannot be used is told of, and does not stand before the others for ever. */
  async #take(
    connection: Connection,
    event: Parameters<Inbound['take']>[1],
    arrivedAtMs: number,
    inbound: Inbound,
  ): Promise<void> {
    try {
      await inbound.take(connection, event, arrivedAtMs)
    } catch (error) {
      if (!UNUSABLE.has(toKefuError(error).code)) throw error
      this.#ports.report(error)
    }
  }

  #failed(account: Account, error: unknown): void {
    const { connection } = account
    const { clock, report } = this.#ports
    const { message } = toKefuError(error)
    if (connection.pullProblem?.reason !== message) report(error)
    const nowMs = clock.now()
    const since = connection.pullProblem?.since ?? nowMs
    connection.pullProblem = { reason: message, since, until: nowMs + account.retryMs }
    account.cancelRetry = clock.after(account.retryMs, () => this.#run(account))
    account.retryMs = Math.min(account.retryMs * 2, LAST_RETRY_MS)
  }

  #poll(): void {
    this.#cancelPoll = this.#ports.clock.after(POLL_MS, () => {
      for (const account of this.#accounts.values()) this.#due.add(account)
      this.#pollNext()
      this.#poll()
    })
  }

  #pollNext(): void {
    for (const account of this.#due) {
      if (this.#polled >= POLLED_AT_ONCE) return
      this.#due.delete(account)
      void this.#pollOne(account)
    }
  }

  async #pollOne(account: Account): Promise<void> {
    this.#polled++
    this.#run(account)
    await account.running
    this.#polled--
    this.#pollNext()
  }
}

/** Takes over what is stored of an account, unless that is older than what is known. */
function adopt(account: Account, value: unknown, revision: number): void {
  if (account.revision > 0) return
  const entry = entrySchema.safeParse(value)
  account.cursor = entry.success ? entry.data.cursor : undefined
  account.revision = revision
}

function prefixOf({ number }: Connection): string {
  return `${PREFIX}${number}/`
}

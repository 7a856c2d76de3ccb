import type { ErrorCode } from '../../errors.js'

/**
 * The audit log: who changed what, when, and what came of it. Entries are for ever, also when a contact is forgotten: none has room for what somebody wrote, for
 * a secret, or for a contact's name or id. A conversation is named by its id.
 */

/**
 * Who did it. `operator`: somebody at the control socket, whom the socket's file let in (the daemon's user, or root); number and names are what the command
 * says of itself. `agent`: somebody with this agent's token, `token` being its fingerprint. `address`: somebody who could not prove to be anybody. `daemon`: the
 * program by itself, on a signal or by its settings.
 */
export type AuditActor =
  | { readonly kind: 'operator'; readonly uid?: number; readonly user?: string; readonly sudoUser?: string }
  | { readonly kind: 'agent'; readonly id: string; readonly token?: string }
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'daemon' }

/** The values of `AuditActor.kind`. */
export const AUDIT_ACTORS = ['operator', 'agent', 'address', 'daemon'] as const satisfies readonly AuditActor['kind'][]

/** Facts about what was done: names of what changed, and values that are no secret. Cut to `AUDIT_LIMITS` where they are written. */
export type AuditFields = Readonly<Record<string, AuditValue>>

/** One fact. */
export type AuditValue = string | number | boolean | null | readonly string[]

/**
 * What came of it. `begun`: it is not over; `done`; `unchanged`: it was so already; `refused`: nothing has changed; `failed`: something of it may have changed;
 * `unknown`: the daemon ended before it was over.
 */
export const AUDIT_OUTCOMES = ['begun', 'done', 'unchanged', 'refused', 'failed', 'unknown'] as const

/** One of `AUDIT_OUTCOMES`. */
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number]

/** Something that is done: `action` is the name of a control operation, or one of `AUDIT_ACTS`. `target`: on what, by its name or id. */
export type AuditAct = {
  readonly action: string
  readonly by: AuditActor
  readonly target?: string
  readonly fields?: AuditFields
}

/** How something ended: `code` of the error, where there was one. The target, and facts that were not known before, take the place of those of the act. */
export type AuditEnd = {
  readonly outcome: Exclude<AuditOutcome, 'begun'>
  readonly code?: ErrorCode
  readonly target?: string
  readonly fields?: AuditFields
}

/** An entry as it stands in the log. `n` counts from 1 without a gap; `of` is the entry with which it began. */
export type AuditEntry = AuditAct & {
  readonly n: number
  /** Epoch ms. Not ascending: clocks are set. */
  readonly at: number
  readonly outcome: AuditOutcome
  readonly code?: ErrorCode
  readonly of?: number
}

/** What is done without a control operation, and stands in the log as well. */
export const AUDIT_ACTS = {
  'daemon.start': 'the daemon began to serve',
  'login.refuse': 'somebody came with a token that nobody has, or with an identity that nobody signed; summed up',
  'retention.apply': 'messages were removed because their time was over',
  'audit.repair': 'what a crash left of an unfinished entry was cut off',
  'audit.damage': 'the log was not as it was left; it goes on from there',
} as const satisfies Readonly<Record<string, string>>

/** How much an entry holds. What is longer is cut where it is written, which an ellipsis shows. `lineBytes`: an entry as a line of its file. */
export const AUDIT_LIMITS = { textLength: 200, fields: 32, listLength: 64, lineBytes: 32 * 1024 } as const

/** Notes how something ended. Durable on return, unless the log cannot be written at this moment: then it is written as soon as it can. Never rejects. */
export type NoteEnd = (end: AuditEnd) => Promise<void>

/** Writes the audit log. Entries stand in it in the order of the calls. */
export type AuditPort = {
  /** Notes something that is over (`done` unless it is said otherwise). Durable (fsync) on return. Throws `KEFU_AUDIT_UNAVAILABLE`: it may or may not stand in the log. */
  record(act: AuditAct, end?: AuditEnd): Promise<void>
  /**
   * Notes something before it may change anything, durable on return. What is returned has to be called once, when it is over; if the daemon ends before, the next
   * start notes `unknown`. Throws `KEFU_AUDIT_UNAVAILABLE`: then nothing must be changed.
   */
  begin(act: AuditAct): Promise<NoteEnd>
}

/** Which entries are wanted; each that is there has to hold. */
export type AuditFilter = {
  /** Epoch ms, from `since` (inclusive) to `until` (exclusive). */
  readonly since?: number
  readonly until?: number
  /** An action, or the word before its dot. */
  readonly action?: string
  /** Who: kind, number, name, id, token or address. */
  readonly by?: string
}

/** Which part of them: so many, before an entry and after another one (both exclusive). */
export type AuditRange = { readonly limit: number; readonly before?: number; readonly after?: number }

/** Entries, the latest first. `next`: what `before` has to be to go on; also there when nothing was found for long enough. */
export type AuditPage = { readonly entries: readonly AuditEntry[]; readonly next?: number }

/** Something that is not as it was written. `n`: the entry, or the first of those, that it is about. */
export type AuditFinding = { readonly n: number; readonly message: string }

/** What verifying found. `moreFindings`: those beyond the hundred that are told. */
export type AuditCheck = {
  readonly entries: number
  readonly findings: readonly AuditFinding[]
  readonly moreFindings: number
}

/** How verifying is watched and ended. `onProgress` is told bytes. */
export type AuditCheckOptions = {
  readonly signal?: AbortSignal
  readonly onProgress?: (done: number, total: number) => void
}

/** Reads the audit log while it is written. Both throw `KEFU_AUDIT_UNAVAILABLE` when it cannot be read. */
export type AuditReader = {
  /** What has begun and ended since is told by its end alone. Lines that cannot be believed are left out: checking tells of them. */
  list(filter: AuditFilter, range: AuditRange): Promise<AuditPage>
  /** Reads all of it, up to where it stood when it was asked. Rejects when the signal aborts. */
  check(options?: AuditCheckOptions): Promise<AuditCheck>
}

/** A login that was refused. `channel`: the one that a forged identity is for. */
export type RefusedLogin = {
  readonly what: keyof typeof LOGINS
  readonly address: string
  readonly channel?: string
}

/** What logins are refused for. */
export const LOGINS = {
  'agent-token': 'a token that no agent has',
  'app-token': 'a token that no app channel has',
  'visitor-token': 'a token that was not made here, or is of a channel that is gone',
  identity: 'an identity of a site, with a signature that is wrong or too old',
  upload: 'a token that may not upload',
} as const satisfies Readonly<Record<string, string>>

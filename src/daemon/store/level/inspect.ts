import {
  feedKey,
  KEY,
  parseFeedKey,
  parseTextConversationKey,
  parseTextKey,
  parseTextSeqKey,
  prefixEnd,
} from '../../../codec/keys.js'
import { openValue } from '../../../codec/record.js'
import type { OutboxRow, StoreFinding } from '../../core/ports.js'
import type { Acknowledgement } from './acknowledged.js'
import type { Database, Pair } from './database.js'
import { Digest } from './digest.js'
import { type DirectoryEntry, parseEntry } from './directory-entry.js'
import { Findings } from './findings.js'
import { checkFormat, DIGEST_PREFIX, type DigestName, type Facts, readFact } from './format.js'
import { parseRow, salt } from './outbox-row.js'

/** Everything that is read before a store is ready. */
export type Inspection = {
  readonly createdAt: number
  readonly lastSeq: number
  readonly commit: number
  readonly findings: readonly StoreFinding[]
  /** Sets that are not what they were when they were last written: they must not be served. */
  readonly unsound: ReadonlySet<DigestName>
  readonly digests: ReadonlyMap<DigestName, Digest>
  readonly active: ReadonlyMap<string, number>
  readonly directory: readonly DirectoryEntry[]
  readonly revision: number
  readonly outbox: readonly OutboxRow[]
  readonly dedupe: Facts['dedupe'] | undefined
}

/** Inboxes with more entries are not read at start. */
const INBOX_LIMIT = 250_000
const PAGE = 2_000

/**
 * Reads the store's own entries and its small sets, and verifies the end of the log: the feed without a hole since the last verified mark, and
 * nothing missing that was acknowledged. Throws what makes the store unusable as a whole (`KEFU_STORE_CORRUPT`,
 * `KEFU_STORE_FORMAT_NEWER`); all else is a finding.
 */
export async function inspect(database: Database, acknowledged: Acknowledgement | undefined): Promise<Inspection> {
  const { createdAt } = await checkFormat(database)
  const [commitFact, verified, dedupe, revision] = await Promise.all([
    readFact(database, 'commit'),
    readFact(database, 'verified'),
    readFact(database, 'dedupe'),
    readFact(database, 'revision'),
  ])
  const findings = new Findings()
  const [commit, committedSeq] = commitFact ?? [0, 0]
  const [lastSeq, sets] = await Promise.all([
    inspectFeed(database, verified ?? 0, committedSeq, findings),
    inspectSets(database, findings),
  ])
  if (acknowledged !== undefined) {
    for (let seq = lastSeq + 1; seq <= acknowledged.seq; seq++)
      if (!findings.add({ kind: 'lost', seq, message: `record seq ${seq} was acknowledged and is not there` })) break
    if (acknowledged.commit > commit)
      findings.add({
        kind: 'lost',
        message: `commits ${commit + 1} to ${acknowledged.commit} were acknowledged and are not there`,
      })
  }
  return {
    createdAt,
    lastSeq: Math.max(lastSeq, committedSeq),
    commit: Math.max(commit, acknowledged?.commit ?? 0),
    findings: findings.list,
    dedupe,
    revision: revision ?? 0,
    ...sets,
  }
}

/** The last seq of the feed, which must not have a hole after the verified mark: a commit is lost as a whole, its places in the feed with its records. */
async function inspectFeed(
  database: Database,
  verified: number,
  committedSeq: number,
  findings: Findings,
): Promise<number> {
  let expected = Math.min(verified, committedSeq) + 1
  try {
    await eachPageFrom(database, feedKey(expected), Uint8Array.of(KEY.feed + 1), page => {
      for (const [key] of page) {
        const seq = parseFeedKey(key)
        findings.missingInFeed(expected, seq - 1)
        expected = seq + 1
      }
    })
  } catch (error) {
    findings.unreadable(error, `the feed after seq ${expected - 1}`)
  }
  const lastSeq = expected - 1
  findings.missingInFeed(lastSeq + 1, committedSeq)
  return lastSeq
}

type Sets = Pick<Inspection, 'unsound' | 'digests' | 'active' | 'directory' | 'outbox'>

/** Reads the mutable sets and compares each with the digest that its last change left. */
async function inspectSets(database: Database, findings: Findings): Promise<Sets> {
  const digests = new Map<DigestName, Digest>()
  const found = new Map<DigestName, Digest>()
  const unsound = new Set<DigestName>()
  const active = new Map<string, number>()
  const directory: DirectoryEntry[] = []
  const outbox: OutboxRow[] = []

  const scan = async (name: DigestName, prefix: Uint8Array, visit: (key: Uint8Array, value: Uint8Array) => void) => {
    try {
      await eachPage(database, prefix, page => {
        for (const [key, value] of page) visit(key, value)
      })
    } catch (error) {
      unsound.add(name)
      findings.unreadable(error, `the set "${name}"`)
    }
  }
  const of = (name: DigestName): Digest => {
    let digest = found.get(name)
    if (digest === undefined) {
      digest = new Digest()
      found.set(name, digest)
    }
    return digest
  }

  const digestPrefix = new TextEncoder().encode(`M${DIGEST_PREFIX}`)
  await scan('directory', digestPrefix, (key, value) => {
    const name = parseTextKey(KEY.meta, key).slice(DIGEST_PREFIX.length) as DigestName
    try {
      digests.set(name, Digest.from(openValue(key, value) as number[]))
    } catch (error) {
      unsound.add(name)
      findings.unreadable(error, `the digest "${name}"`)
    }
  })
  await scan('waiting', Uint8Array.of(KEY.waiting), key => of('waiting').add(key))
  await scan('active', Uint8Array.of(KEY.active), key => {
    of('active').add(key)
    const { text: agent } = parseTextConversationKey(KEY.active, key)
    active.set(agent, (active.get(agent) ?? 0) + 1)
  })
  await scan('directory', Uint8Array.of(KEY.directory), (key, value) => {
    const entry = parseEntry(key, value)
    directory.push(entry)
    of('directory').add(key, undefined, entry.revision)
  })
  await scan('outbox', Uint8Array.of(KEY.outbox), (key, value) => {
    const row = parseRow(key, value)
    outbox.push(row)
    of('outbox').add(key, undefined, salt(row))
  })
  for (const owner of await inboxOwners(database, findings)) {
    const name: DigestName = `inbox:${owner}`
    if ((digests.get(name)?.count ?? 0) > INBOX_LIMIT) continue
    await scan(name, ownerPrefix(owner), (key, value) => {
      parseTextSeqKey(KEY.inbox, key)
      of(name).add(key, value)
    })
  }
  const empty = new Digest()
  for (const name of new Set([...digests.keys(), ...found.keys()])) {
    if (unsound.has(name)) continue
    const stored = digests.get(name) ?? empty
    if (stored.count > INBOX_LIMIT && name.startsWith('inbox:')) continue
    if (stored.equals(found.get(name) ?? empty)) continue
    unsound.add(name)
    findings.add({ kind: 'head', message: `the set "${name}" is not what was last written` })
  }
  return { unsound, digests, active, directory, outbox }
}

/** Whose inboxes there are: one seek each. */
async function inboxOwners(database: Database, findings: Findings): Promise<string[]> {
  const owners: string[] = []
  try {
    let from: Uint8Array = Uint8Array.of(KEY.inbox)
    for (;;) {
      const [pair] = await database.page({ from, to: Uint8Array.of(KEY.inbox + 1), limit: 1 })
      if (pair === undefined) return owners
      const owner = parseTextSeqKey(KEY.inbox, pair[0]).text
      owners.push(owner)
      from = prefixEnd(ownerPrefix(owner))
    }
  } catch (error) {
    findings.unreadable(error, 'the inboxes')
    return owners
  }
}

/** What the keys of an owner's inbox begin with. */
export function ownerPrefix(owner: string): Uint8Array {
  return Buffer.concat([Uint8Array.of(KEY.inbox), Buffer.from(owner), Uint8Array.of(0)])
}

/** Every pair under a prefix, in pages. */
export function eachPage(
  database: Database,
  prefix: Uint8Array,
  visit: (page: readonly Pair[]) => void | Promise<void>,
): Promise<void> {
  return eachPageFrom(database, prefix, prefixEnd(prefix), visit)
}

async function eachPageFrom(
  database: Database,
  first: Uint8Array,
  to: Uint8Array,
  visit: (page: readonly Pair[]) => void | Promise<void>,
): Promise<void> {
  let from = first
  for (;;) {
    const page = await database.page({ from, to, limit: PAGE })
    await visit(page)
    const last = page.at(-1)
    if (page.length < PAGE || last === undefined) return
    from = Buffer.concat([last[0], Uint8Array.of(0)])
  }
}

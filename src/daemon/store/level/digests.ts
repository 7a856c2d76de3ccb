import { KEY, textSeqKey } from '../../../codec/keys.js'
import { sealValue, writeUint64 } from '../../../codec/record.js'
import { agentOwner, channelOwner } from '../../core/conversation.js'
import type { Batch } from './database.js'
import { Digest } from './digest.js'
import { type DigestName, digestKey } from './format.js'

type Kept = { readonly key: Uint8Array; digest: Digest; isChanged: boolean }

/** An owner's inbox: what its keys begin with, and its digest. */
export type Inbox = { readonly name: DigestName; readonly keyAtZero: Uint8Array }

/** The digests of the store's mutable sets. They run ahead of the disk as the batch being built does; after a failed commit they are read again. */
export class Digests {
  readonly #digests = new Map<DigestName, Kept>()
  #changed: Kept[] = []
  readonly #agents = new Map<string, Inbox>()
  readonly #channels = new Map<number, Inbox>()

  /** Takes a member into a set. */
  add(name: DigestName, key: Uint8Array, value?: Uint8Array, salt?: number): void {
    this.#touch(name).add(key, value, salt)
  }

  /** Takes a member out of a set, with what it came in with. */
  subtract(name: DigestName, key: Uint8Array, value?: Uint8Array, salt?: number): void {
    this.#touch(name).subtract(key, value, salt)
  }

  /** An agent's inbox. */
  agentInbox(agent: string): Inbox {
    let inbox = this.#agents.get(agent)
    if (inbox === undefined) {
      inbox = inboxOf(agentOwner(agent))
      this.#agents.set(agent, inbox)
    }
    return inbox
  }

  /** An app channel's inbox. */
  channelInbox(channel: number): Inbox {
    let inbox = this.#channels.get(channel)
    if (inbox === undefined) {
      inbox = inboxOf(channelOwner(channel))
      this.#channels.set(channel, inbox)
    }
    return inbox
  }

  /** Puts what changed since the last time. */
  put(batch: Batch): void {
    for (const kept of this.#changed) {
      batch.put(kept.key, sealValue(kept.key, kept.digest.toArray()))
      kept.isChanged = false
    }
    this.#changed = []
  }

  /** Starts over from what the disk holds. */
  reset(digests: ReadonlyMap<DigestName, Digest>): void {
    this.#changed = []
    this.#digests.clear()
    for (const [name, digest] of digests)
      this.#digests.set(name, { key: digestKey(name), digest: Digest.from(digest.toArray()), isChanged: false })
  }

  #touch(name: DigestName): Digest {
    let kept = this.#digests.get(name)
    if (kept === undefined) {
      kept = { key: digestKey(name), digest: new Digest(), isChanged: false }
      this.#digests.set(name, kept)
    }
    if (!kept.isChanged) {
      kept.isChanged = true
      this.#changed.push(kept)
    }
    return kept.digest
  }
}

/** The key of an inbox entry: as `textSeqKey`, without encoding the owner again. */
export function inboxKey({ keyAtZero }: Inbox, seq: number): Uint8Array {
  const key = Buffer.allocUnsafe(keyAtZero.length)
  key.set(keyAtZero, 0)
  writeUint64(key, key.length - 8, seq)
  return key
}

function inboxOf(owner: string): Inbox {
  return { name: `inbox:${owner}`, keyAtZero: textSeqKey(KEY.inbox, owner, 0) }
}

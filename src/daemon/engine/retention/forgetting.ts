import { createHash } from 'node:crypto'
import { type ConversationId, isConversationId } from '../../../codec/conversation-id.js'
import { isKefuError, KefuError } from '../../../errors.js'
import { channelOwner } from '../../core/conversation.js'
import { isForgotten } from '../../core/forgotten.js'
import type { MediaPort } from '../../core/media.js'
import type { Head } from '../../core/model.js'
import { pause } from '../../core/pause.js'
import type { Clock, DirectoryPort, EraserPort, LogPort, OutboxPort } from '../../core/ports.js'
import { SYSTEM } from '../../core/records.js'
import { removeEntry, storeEntry } from '../registry/sole-writer.js'
import type { Persons } from '../routing/persons.js'

/** What forgetting stands on. */
export type ForgettingPorts = {
  readonly log: Pick<LogPort, 'append' | 'head' | 'read'>
  readonly eraser: EraserPort
  readonly outbox: Pick<OutboxPort, 'drop' | 'rows'>
  readonly directory: DirectoryPort
  readonly media: Pick<MediaPort, 'measure' | 'remove'>
  readonly persons: Pick<Persons, 'exclusive' | 'leave' | 'members'>
  readonly clock: Clock
  /** Files of a conversation are not fetched any more, and what others are still to be told of it goes. */
  dropQueued(conversation: ConversationId): Promise<void>
  /** Records of a conversation hold nothing any more, by their positions in the log: whoever keeps something of them forgets it. May come again. */
  onForgotten(conversation: ConversationId, seqs: readonly number[]): Promise<void>
  /** An error that no caller waits for. */
  report(error: unknown): void
}

/** What there is of a conversation. */
export type Holdings = {
  readonly conversation: ConversationId
  readonly channel: number
  /** Records that are not forgotten, and the messages among them. */
  readonly records: number
  readonly messages: number
  readonly mediaFiles: number
  readonly mediaBytes: number
  /** Messages in the outbox. */
  readonly outbox: number
}

/** What there would be to forget. `others`: conversations of the same person, which stay. */
export type Forgettable = Holdings & { readonly others: readonly Head[] }

/** What was forgotten: records 1 to `upTo`, in the log up to position `seq`. `sha256` (hex) is of the other fields, as JSON in the order of this type. */
export type ForgetReceipt = Holdings & {
  readonly upTo: number
  readonly seq: number
  /** When it was begun, epoch ms. */
  readonly at: number
  readonly sha256: string
}

/** What is kept of it for ever, so that it is forgotten again in what is restored: the id is an HMAC of channel and contact. */
const FORGOTTEN = 'forgotten/'
/** Begun, and not done: what it goes up to, and what there was when it was begun. */
const UNDER_WAY = 'forgetting/'
const PAGE = 256
const ROWS = 500
/** Looks at a conversation that goes on meanwhile. */
const ATTEMPTS = 20
const SENDING_PAUSE_MS = 500
const SENDING_ATTEMPTS = 60

type Begun = Holdings & { readonly upTo: number; readonly seq: number; readonly at: number }

/**
 * Forgets conversations. Life of it:
 *
 * 1. the conversation is closed and leaves its person;
 * 2. that it is under way is on disk, with the number that it goes up to;
 * 3. what is known of the contact goes from the head, the content from the records, and both from what is kept of them elsewhere;
 * 4. files, messages in the outbox, and what others are still to be told go;
 * 5. the store's files are rid of it;
 * 6. that it is forgotten is on disk, and that it is under way is not.
 *
 * What ends after step 2 is done at the next start. What the contact writes meanwhile begins anew behind it.
 */
export class Forgettings {
  readonly #ports: ForgettingPorts
  readonly #abort = new AbortController()
  #last: Promise<unknown> = Promise.resolve()

  constructor(ports: ForgettingPorts) {
    this.#ports = ports
  }

  /** Does in the background what an earlier process left; what fails is reported, and done at the next start. */
  async resume(): Promise<void> {
    for (const { key } of await this.#ports.directory.list(UNDER_WAY)) {
      const id = key.slice(UNDER_WAY.length)
      if (isConversationId(id))
        this.forget(id).catch((error: unknown) => {
          if (!this.#abort.signal.aborted) this.#ports.report(error)
        })
    }
  }

  /** What there would be to forget. Throws `KEFU_CONVERSATION_NOT_FOUND`, also of one that is forgotten. */
  async preview(conversation: ConversationId): Promise<Forgettable> {
    const { log, persons, clock } = this.#ports
    const head = await log.head(conversation)
    if (head === null || isForgotten(head)) throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
    const { person } = head.details
    const members = person === undefined ? [] : await persons.members(person)
    const others = members.filter(member => member.conversation !== conversation)
    return { ...(await this.#holdings(head, clock.now())), others }
  }

  /** Forgets it; one conversation at a time. Throws as `preview`, `KEFU_DRAINING`, and what the store throws: the same call once more does the rest. */
  forget(conversation: ConversationId): Promise<ForgetReceipt> {
    const turn = this.#last.then(
      () => this.#forget(conversation),
      () => this.#forget(conversation),
    )
    this.#last = turn
    return turn
  }

  /** Ends what runs. */
  async close(): Promise<void> {
    this.#abort.abort()
    await this.#last.catch(() => undefined)
  }

  async #forget(conversation: ConversationId): Promise<ForgetReceipt> {
    for (let attempt = 1; ; attempt++) {
      if (this.#abort.signal.aborted) throw new KefuError('KEFU_DRAINING')
      const begun = await this.#begun(conversation)
      try {
        await this.#ports.eraser.forget([{ conversation, upTo: begun.upTo }])
        await this.#follow(begun)
        return await this.#done(begun)
      } catch (error) {
        // Something was said in between: it belongs to it.
        if (!isKefuError(error, 'KEFU_STORE_CONFLICT') || attempt === ATTEMPTS) throw error
        await this.#end(conversation)
      }
    }
  }

  /** What is under way, or is from now on. */
  async #begun(conversation: ConversationId): Promise<Begun> {
    const { directory, log, clock, persons } = this.#ports
    const key = UNDER_WAY + conversation
    const present = await directory.get(key)
    if (present !== null) return present.value as Begun
    const head = await this.#closed(conversation)
    await persons.exclusive(() => persons.leave(head))
    const { n: upTo, seq } = (await log.head(conversation)) ?? head
    const at = Math.floor(clock.now())
    const begun: Begun = { ...(await this.#holdings({ ...head, n: upTo }, at)), upTo, seq, at }
    await storeEntry(directory, key, begun, undefined)
    return begun
  }

  async #closed(conversation: ConversationId): Promise<Head> {
    const { log } = this.#ports
    for (let attempt = 1; ; attempt++) {
      const head = await log.head(conversation)
      if (head === null || isForgotten(head)) throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
      if (head.state === 'closed') return head
      const { n, agent } = head
      const from = agent === undefined ? {} : { from: agent }
      try {
        await log.append(conversation, [{ type: 'closed', by: SYSTEM, reason: 'operator', ...from }], { expect: n })
      } catch (error) {
        if (!isKefuError(error, 'KEFU_STORE_CONFLICT') || attempt === ATTEMPTS) throw error
      }
    }
  }

  /** Everything besides the log, and then the store's files. */
  async #follow({ conversation, channel, upTo, at }: Begun): Promise<void> {
    const { log, eraser, media, dropQueued, onForgotten } = this.#ports
    await dropQueued(conversation)
    await media.remove(conversation, { upTo: at })
    const seqs: number[] = []
    while (seqs.length < upTo) {
      const page = await log.read(conversation, seqs.length, Math.min(PAGE, upTo - seqs.length))
      for (const { seq } of page) seqs.push(seq)
    }
    await onForgotten(conversation, seqs)
    await this.#emptyOutbox(conversation, channel, upTo)
    await eraser.expunge([conversation], this.#abort.signal)
  }

  async #emptyOutbox(conversation: ConversationId, channel: number, upTo: number): Promise<void> {
    const { outbox, clock } = this.#ports
    for (let attempt = 1; ; attempt++) {
      let isSending = false
      for await (const n of this.#queued(conversation, channel, upTo))
        try {
          await outbox.drop(conversation, n)
        } catch (error) {
          if (isKefuError(error, 'KEFU_OUTBOX_STATE')) isSending = true
          else if (!isKefuError(error, 'KEFU_OUTBOX_NOT_FOUND')) throw error
        }
      if (!isSending) return
      if (attempt === SENDING_ATTEMPTS) {
        const timeoutMs = SENDING_PAUSE_MS * SENDING_ATTEMPTS
        throw new KefuError('KEFU_TIMEOUT', { what: 'a message that is being sent', timeoutMs })
      }
      await pause(clock, SENDING_PAUSE_MS, this.#abort.signal)
      if (this.#abort.signal.aborted) throw new KefuError('KEFU_DRAINING')
    }
  }

  async *#queued(conversation: ConversationId, channel: number, upTo: number): AsyncGenerator<number, void, undefined> {
    let after: string | undefined
    do {
      const range = { lane: channelOwner(channel), limit: ROWS, ...(after !== undefined && { after }) }
      const { rows, next } = await this.#ports.outbox.rows(range)
      for (const row of rows) if (row.conversation === conversation && row.n <= upTo) yield row.n
      after = next
    } while (after !== undefined)
  }

  async #done(begun: Begun): Promise<ForgetReceipt> {
    const { directory } = this.#ports
    const { conversation, upTo, at } = begun
    const key = FORGOTTEN + conversation
    await storeEntry(directory, key, { upTo, at }, (await directory.get(key))?.revision)
    await this.#end(conversation)
    return receiptOf(begun)
  }

  async #end(conversation: ConversationId): Promise<void> {
    const { directory } = this.#ports
    const present = await directory.get(UNDER_WAY + conversation)
    if (present !== null) await removeEntry(directory, present.key, present.revision)
  }

  async #holdings({ conversation, channel, n: last }: Head, at: number): Promise<Holdings> {
    const { log, media } = this.#ports
    let records = 0
    let messages = 0
    let outbox = 0
    for (let n = 0; n < last; ) {
      const page = await log.read(conversation, n, Math.min(PAGE, last - n))
      for (const { body } of page) {
        if (body.type === 'forgotten') continue
        records++
        if (body.type === 'message') messages++
      }
      n += page.length
    }
    for await (const _ of this.#queued(conversation, channel, last)) outbox++
    const { files: mediaFiles, bytes: mediaBytes } = await media.measure(conversation, { upTo: at })
    return { conversation, channel, records, messages, mediaFiles, mediaBytes, outbox }
  }
}

function receiptOf({ conversation, channel, records, messages, mediaFiles, mediaBytes, outbox, upTo, seq, at }: Begun) {
  const facts = { conversation, channel, records, messages, mediaFiles, mediaBytes, outbox, upTo, seq, at }
  return { ...facts, sha256: createHash('sha256').update(JSON.stringify(facts)).digest('hex') }
}

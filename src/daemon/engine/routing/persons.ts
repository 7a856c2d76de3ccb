import { z } from 'zod'
import { type ConversationId, isConversationId } from '../../../codec/conversation-id.js'
import { KefuError } from '../../../errors.js'
import type { Head } from '../../core/model.js'
import { orderedId, type RandomBytes } from '../../core/ordered-id.js'
import { PERSON_LIMITS, type Person } from '../../core/person.js'
import type { Clock, DirectoryPort, LogPort } from '../../core/ports.js'

/** What persons stand on. */
export type PersonPorts = {
  readonly directory: DirectoryPort
  readonly log: LogPort
  readonly clock: Pick<Clock, 'now'>
  readonly random: RandomBytes
}

/** The first step of a merge: what the person lists is on disk, the logs of `untold` do not say it yet. */
export type Join = {
  readonly person: string
  /** The two that were named come last: until all others are told, asking again finds them. */
  readonly untold: readonly Head[]
  /** Persons that are nobody any more once all are told. */
  readonly replaced: readonly string[]
}

type Stored = { readonly person: Person; readonly revision: number }

const PREFIX = 'person/'

const personSchema: z.ZodType<Person> = z.object({
  id: z.string(),
  conversations: z
    .array(z.custom<ConversationId>(id => typeof id === 'string' && isConversationId(id)))
    .max(PERSON_LIMITS.conversations)
    .readonly(),
  createdAt: z.int(),
})

/**
 * Which contacts are the same person. Life of a merge:
 *
 * 1. the person's entry lists all of its conversations, and is on disk;
 * 2. each of their logs is told (`linked`), those that were named last;
 * 3. entries of persons that are nobody any more are removed.
 *
 * It may end after any step. A conversation that is listed and was not told is not the person's; the same merge once more finds what is left to do, and any other
 * change of the person strikes it off the list.
 */
export class Persons {
  readonly #ports: PersonPorts
  #last: Promise<unknown> = Promise.resolve()

  constructor(ports: PersonPorts) {
    this.#ports = ports
  }

  /** Runs a step that reads persons and then changes them, after all earlier ones and before all later ones. */
  exclusive<R>(step: () => Promise<R>): Promise<R> {
    const run = this.#last.then(step, step)
    this.#last = run
    return run
  }

  /** Where the conversations of a person stand. Throws `KEFU_STORE_CORRUPT` and what the store throws. */
  async members(id: string): Promise<Head[]> {
    const stored = await this.#read(id)
    return stored === undefined ? [] : this.#confirmed(stored.person)
  }

  /** Inside `exclusive`. Throws `KEFU_PERSON_FULL`, `KEFU_STORE_CORRUPT` and what the directory throws. */
  async join(a: Head, b: Head): Promise<Join> {
    const persons = [...new Set([a.details.person, b.details.person])].filter(id => id !== undefined)
    const [id = orderedId('p', this.#ports.clock.now(), this.#ports.random), ...replaced] = persons
    const stored = await this.#read(id)
    const heads = new Map<ConversationId, Head>()
    if (stored !== undefined)
      for (const head of await this.#confirmed(stored.person)) heads.set(head.conversation, head)
    for (const other of replaced) for (const head of await this.members(other)) heads.set(head.conversation, head)
    for (const head of [b, a]) {
      heads.delete(head.conversation)
      heads.set(head.conversation, head)
    }
    if (heads.size > PERSON_LIMITS.conversations)
      throw new KefuError('KEFU_PERSON_FULL', { limit: PERSON_LIMITS.conversations })
    await this.#write(id, stored, [...heads.keys()])
    return { person: id, untold: [...heads.values()].filter(({ details }) => details.person !== id), replaced }
  }

  /** Inside `exclusive`: the first step of taking a conversation out of its person. The second is to tell its log. Throws as `join` does. */
  async leave({ conversation, details }: Head): Promise<void> {
    if (details.person === undefined) return
    const stored = await this.#read(details.person)
    if (stored === undefined || !stored.person.conversations.includes(conversation)) return
    const others = stored.person.conversations.filter(id => id !== conversation)
    if (others.length === 0) await this.#remove(stored)
    else await this.#write(details.person, stored, others)
  }

  /** Inside `exclusive`: the last step of a merge. */
  async drop(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const stored = await this.#read(id)
      if (stored !== undefined) await this.#remove(stored)
    }
  }

  /** Inside `exclusive`: a merge has failed. A person that none of its conversations belongs to is nobody. Throws as `join` does. */
  async abandon(id: string): Promise<void> {
    const stored = await this.#read(id)
    if (stored !== undefined && (await this.#confirmed(stored.person)).length === 0) await this.#remove(stored)
  }

  async #confirmed({ id, conversations }: Person): Promise<Head[]> {
    const heads = await Promise.all(conversations.map(conversation => this.#ports.log.head(conversation)))
    return heads.filter(head => head !== null).filter(({ details }) => details.person === id)
  }

  async #read(id: string): Promise<Stored | undefined> {
    const key = `${PREFIX}${id}`
    const entry = await this.#ports.directory.get(key)
    if (entry === null) return undefined
    const parsed = personSchema.safeParse(entry.value)
    if (!parsed.success || parsed.data.id !== id)
      throw new KefuError('KEFU_STORE_CORRUPT', { where: `directory entry ${key}` })
    return { person: parsed.data, revision: entry.revision }
  }

  async #write(id: string, stored: Stored | undefined, conversations: readonly ConversationId[]): Promise<void> {
    const { directory, clock } = this.#ports
    const key = `${PREFIX}${id}`
    const present = stored?.person.conversations ?? []
    if (present.length === conversations.length && conversations.every(each => present.includes(each))) return
    if (stored === undefined) await directory.create(key, { id, conversations, createdAt: clock.now() })
    else await directory.update(key, { ...stored.person, conversations }, stored.revision)
  }

  #remove({ person, revision }: Stored): Promise<void> {
    return this.#ports.directory.remove(`${PREFIX}${person.id}`, revision)
  }
}

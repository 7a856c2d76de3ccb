import type { Conversation, ConversationId, RecordEvent } from '../../../client/index.js'
import { isConversationId } from '../../../codec/conversation-id.js'
import { WIRE_LIMITS } from '../../../codec/wire.js'
import { MarkLine } from './mark-line.js'
import { safeText } from './safe-text.js'

/** A conversation as an agent sees it in the terminal. */
export type Listed = {
  readonly number: number
  readonly conversation: ConversationId
  /** What the contact is called here. */
  contact: string
  isMine: boolean
  /** Records up to this number were there when the conversation was assigned. */
  oldN: number
  /** The last record that has come. */
  lastN: number
  unread: number
  readonly marks: MarkLine
  /** The last records, oldest first. */
  readonly recent: RecordEvent[]
}

/** Conversations that are remembered, and records of each. */
const CONVERSATION_LIMIT = 1_000
const RECENT_LIMIT = 50

/** The conversations of an agent, numbered in the order in which they came, one of them on the screen. */
export class ConversationList {
  readonly #listed = new Map<ConversationId, Listed>()
  #lastNumber = 0
  #current: Listed | undefined

  get current(): Listed | undefined {
    return this.#current
  }

  /** Those that are the agent's, by number. */
  mine(): Listed[] {
    return [...this.#listed.values()].filter(({ isMine }) => isMine)
  }

  get(conversation: ConversationId): Listed | undefined {
    return this.#listed.get(conversation)
  }

  /** The agent's conversation with a number. */
  numbered(number: number): Listed | undefined {
    return this.mine().find(listed => listed.number === number)
  }

  /** The id behind what was typed: of a conversation in the list, also of one that is not the agent's any more, or the id itself. */
  resolve(text: string): ConversationId | undefined {
    if (/^\d{1,6}$/.test(text))
      return [...this.#listed.values()].find(({ number }) => number === Number(text))?.conversation
    return isConversationId(text) ? text : undefined
  }

  /** A conversation became the agent's, again or for the first time. */
  assigned(found: Conversation): Listed {
    const contact = safeText(found.name ?? shortContact(found.contact ?? ''))
    let listed = this.#listed.get(found.conversation)
    if (listed === undefined) {
      listed = {
        number: ++this.#lastNumber,
        conversation: found.conversation,
        contact,
        isMine: true,
        oldN: found.n,
        lastN: 0,
        unread: 0,
        marks: new MarkLine(),
        recent: [],
      }
      this.#listed.set(found.conversation, listed)
      if (this.#listed.size > CONVERSATION_LIMIT) this.#forgetOldest()
    }
    listed.contact = contact
    listed.isMine = true
    listed.unread = found.unread ?? 0
    return listed
  }

  /** What is unread in a conversation has changed. */
  counted({ conversation, unread = 0 }: Conversation): void {
    const listed = this.#listed.get(conversation)
    if (listed !== undefined) listed.unread = unread
  }

  /** A conversation is not the agent's any more. */
  unassigned(conversation: ConversationId): Listed | undefined {
    const listed = this.#listed.get(conversation)
    if (listed !== undefined) listed.isMine = false
    if (this.#current === listed) this.#current = undefined
    return listed
  }

  /** Puts a conversation on the screen. */
  show(listed: Listed): void {
    this.#current = listed
  }

  /** Keeps a record for when its conversation is shown. */
  remember(listed: Listed, event: RecordEvent): void {
    listed.lastN = event.n
    listed.recent.push(event)
    if (listed.recent.length > RECENT_LIMIT) listed.recent.shift()
  }

  #forgetOldest(): void {
    for (const listed of this.#listed.values()) {
      if (listed.isMine) continue
      this.#listed.delete(listed.conversation)
      return
    }
    const [oldest] = this.#listed.values()
    if (oldest !== undefined && oldest !== this.#current) this.#listed.delete(oldest.conversation)
  }
}

/** How many messages are unread, for the list: nothing for none, and no exact number where the count ends. */
export function wordsOfUnread(unread: number): string {
  if (unread === 0) return ''
  return unread >= WIRE_LIMITS.unread ? `${WIRE_LIMITS.unread - 1}+ new` : `${unread} new`
}

/** A visitor without a name: its kind of id and the end of it, which differs. */
function shortContact(contact: string): string {
  return contact.length <= 12 ? contact : `visitor ${contact.slice(-4)}`
}

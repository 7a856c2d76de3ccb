import type { ConversationId } from '../../../codec/conversation-id.js'
import { encodeFrame } from '../../../codec/frame.js'
import { pack, unpack } from '../../../codec/msgpack.js'
import type { ServerBodies, ServerKind } from '../../../codec/wire.js'
import type { Head } from '../../core/model.js'
import type { BusPort } from '../../core/ports.js'
import type { Session } from '../session/session.js'
import type { Sessions } from '../session/sessions.js'
import type { Outbound } from './outbound.js'

const TOPIC = 'notice'

/** Who a notice is for: the contact's side or the agent's. */
export type Audience = 'contact' | 'agent'

type Envelope = {
  readonly to: Audience
  readonly conversation: ConversationId
  readonly channel: number
  readonly agent: string | undefined
  readonly frame: Uint8Array
}

/** What is told and not kept: typing, reading, presence. It crosses the bus, so that it reaches sessions on any node; a lagging session misses it. */
export class Notices {
  readonly #bus: BusPort
  readonly #sessions: Sessions
  readonly #outbound: Outbound
  readonly #unsubscribe: () => void

  constructor(bus: BusPort, sessions: Sessions, outbound: Outbound) {
    this.#bus = bus
    this.#sessions = sessions
    this.#outbound = outbound
    this.#unsubscribe = bus.subscribe(TOPIC, payload => this.#receive(unpack(payload) as Envelope))
  }

  /** Tells one side of a conversation. */
  publish<K extends ServerKind>(head: Head, to: Audience, kind: K, body: ServerBodies[K]): void {
    const envelope: Envelope = {
      to,
      conversation: head.conversation,
      channel: head.channel,
      agent: head.agent,
      frame: encodeFrame(head.channel, kind, 0, body),
    }
    this.#bus.publish(TOPIC, pack(envelope))
  }

  close(): void {
    this.#unsubscribe()
  }

  #receive({ to, conversation, channel, agent, frame }: Envelope): void {
    if (to === 'agent') {
      if (agent !== undefined) this.#tellAll(this.#sessions.agentsOf(agent), frame)
      return
    }
    for (let visitor = this.#sessions.visitorsOf(conversation); visitor !== undefined; visitor = visitor.sibling)
      this.#tell(visitor, frame)
    this.#tellAll(this.#sessions.appsOf(channel), frame)
  }

  #tellAll(sessions: ReadonlySet<Session> | undefined, frame: Uint8Array): void {
    for (const session of sessions ?? []) this.#tell(session, frame)
  }

  #tell(session: Session, frame: Uint8Array): void {
    if (!session.isLagging) this.#outbound.push(session, frame)
  }
}

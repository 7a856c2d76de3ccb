import { type ConversationId, isConversationId } from '../../../codec/conversation-id.js'
import { KefuError } from '../../../errors.js'
import type { RefusedLogin } from '../../core/audit.js'
import type { LogPort } from '../../core/ports.js'
import { addressKey, type RateLimiter } from '../limits/rate-limit.js'
import type { AgentRegistry } from '../registry/agents.js'
import type { ChannelRegistry } from '../registry/channels.js'
import type { Tokens } from '../session/tokens.js'

/** What authorising uploads stands on. */
export type UploadPorts = {
  readonly log: LogPort
  readonly tokens: Tokens
  readonly agents: AgentRegistry
  readonly channels: ChannelRegistry
  /** Refused tokens per address: the same one that greetings use. */
  readonly limits: { readonly failures: RateLimiter }
  /** Somebody could not prove to be anybody. */
  loginRefused(login: RefusedLogin): void
}

/** Who asks to upload, and into which conversation. */
export type UploadRequest = {
  readonly token: string
  /** Named by agents and apps; a visitor has only one. */
  readonly conversation: string | undefined
  readonly origin: string | undefined
  readonly remoteAddress: string
}

/** Where an upload goes, and in whose name. */
export type UploadGrant = {
  readonly conversation: ConversationId
  readonly uploader: string
  readonly role: 'visitor' | 'agent' | 'app'
}

/**
 * Decides whether a socket's token may upload into a conversation. Throws `KEFU_UNAUTHORISED`, `KEFU_RATE_LIMITED` (too many failures),
 * `KEFU_ORIGIN_REFUSED`, and for a conversation that is foreign or unknown alike `KEFU_CONVERSATION_NOT_FOUND`.
 */
export function createUploadAuthority(ports: UploadPorts): (request: UploadRequest) => Promise<UploadGrant> {
  const { log, tokens, agents, channels, limits, loginRefused } = ports

  function refuse(remoteAddress: string): never {
    const address = addressKey(remoteAddress)
    loginRefused({ what: 'upload', address })
    if (limits.failures.take(address) > 0) throw new KefuError('KEFU_RATE_LIMITED', { what: 'failed attempts' })
    throw new KefuError('KEFU_UNAUTHORISED')
  }

  return async ({ token, conversation, origin, remoteAddress }) => {
    const agent = token.startsWith('kat_') ? agents.byToken(token) : undefined
    if (agent !== undefined) {
      const named = requireId(conversation)
      if ((await log.head(named))?.agent !== agent.id) throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
      return { conversation: named, uploader: agent.id, role: 'agent' }
    }
    const app = token.startsWith('kpt_') ? channels.byToken(token) : undefined
    if (app !== undefined) {
      const named = requireId(conversation)
      if ((await log.head(named))?.channel !== app.number) throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
      return { conversation: named, uploader: app.name, role: 'app' }
    }
    const visitor = tokens.readVisitorToken(token)
    const channel = visitor && channels.byNumber(visitor.channel)
    if (visitor === undefined || channel === undefined || channel.kind !== 'web') refuse(remoteAddress)
    if (origin !== undefined && !channel.origins.includes(origin))
      throw new KefuError('KEFU_ORIGIN_REFUSED', { origin: origin.slice(0, 200) })
    const own = tokens.conversationId(channel.number, visitor.contact)
    if (conversation !== undefined && conversation !== own) throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
    return { conversation: own, uploader: visitor.contact, role: 'visitor' }
  }
}

function requireId(conversation: string | undefined): ConversationId {
  if (conversation === undefined || !isConversationId(conversation)) throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
  return conversation
}

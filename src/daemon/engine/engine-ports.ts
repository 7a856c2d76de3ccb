import type { AuditPort, RefusedLogin } from '../core/audit.js'
import type { MediaPort } from '../core/media.js'
import type { Head } from '../core/model.js'
import type { Clock, GatewayPort, Store } from '../core/ports.js'
import type { SearchPort } from '../core/search.js'
import type { RateLimiter } from './limits/rate-limit.js'
import type { AgentRegistry } from './registry/agents.js'
import type { CannedRegistry } from './registry/canned.js'
import type { ChannelRegistry } from './registry/channels.js'
import type { TeamRegistry } from './registry/teams.js'
import type { RoutingOptions } from './routing/board-teams.js'
import type { Persons } from './routing/persons.js'
import type { Tokens } from './session/tokens.js'

/** What the engine stands on. */
export type EnginePorts = {
  readonly store: Store
  readonly clock: Clock
  readonly gateway: GatewayPort
  readonly tokens: Tokens
  readonly agents: AgentRegistry
  readonly channels: ChannelRegistry
  readonly teams: TeamRegistry
  readonly persons: Persons
  readonly canned: CannedRegistry
  readonly media: Pick<MediaPort, 'keep'>
  readonly search: Pick<SearchPort, 'search'>
  /** Tells a contact behind a platform that its agent is typing. */
  typing(head: Head, isTyping: boolean): void
  readonly limits: {
    /** Messages per contact. */
    readonly messages: RateLimiter
    /** New conversations per address. */
    readonly openings: RateLimiter
    /** Refused tokens per address. */
    readonly failures: RateLimiter
    /** Other frames, and refused ones, per contact. */
    readonly frames: RateLimiter
  }
  readonly audit: AuditPort
  /** Somebody could not prove to be anybody. */
  loginRefused(login: RefusedLogin): void
  /** An error that no client waits for. */
  report(error: unknown): void
}

/** Bounds and durations of the engine. */
export type EngineOptions = {
  readonly helloTimeoutMs: number
  /** Sessions without a hello from one address. */
  readonly greetingLimit: number
  readonly awayAfterMs: number
  readonly requeueAfterMs: number
  readonly routing: RoutingOptions
}

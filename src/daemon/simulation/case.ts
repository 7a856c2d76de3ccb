import type { ConversationId } from '../../codec/conversation-id.js'
import type { Hours } from '../core/hours.js'
import type { Need } from '../core/routing.js'
import type { Episode, Wish } from './trace.js'
import type { Home, Work } from './work.js'

/** A conversation from asking for an agent to the end. */
export type Case = {
  readonly key: ConversationId
  readonly episode: Episode
  readonly home: Home
  leg: number
  wish: Wish
  team: string | undefined
  /** Its place in line, and when its present wait began. */
  since: number
  askedAt: number
  teamSince: number
  overflowAt: number
  lastAgent: Need['lastAgent']
  declinedBy: readonly string[]
  wokenFor: string | undefined
  isFirst: boolean
  holder: string | undefined
  heldAt: number
  work: Work | undefined
  /** Another one at every beginning and end of a wait: what was to happen in the one before does not. */
  turn: number
}

/** What falls due in a simulation. */
export type Due =
  | { readonly what: 'done' | 'overflow' | 'askAgain' | 'abandon' | 'wake'; readonly of: Case; readonly turn: number }
  | { readonly what: 'pick'; readonly of: Case; readonly turn: number; readonly agent: string }
  | { readonly what: 'change'; readonly of: Case; readonly turn: number; readonly index: number }
  | { readonly what: 'gone'; readonly agent: string; readonly turn: number }
  | { readonly what: 'hours'; readonly hours: Hours }

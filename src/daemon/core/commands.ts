import { pack } from '../../codec/msgpack.js'
import { type Author, WIRE_LIMITS } from '../../codec/wire.js'
import type { Command } from '../../codec/wire-commands.js'
import { KefuError } from '../../errors.js'
import { withAttributes } from './conversation.js'
import type { Head } from './model.js'
import type { RecordBody } from './records.js'
import type { Obstacle } from './routing.js'

/** What can be done to a conversation, by whom, and which records that makes. Pure: sockets and control socket ask the same function. */

/** Who acts. `agent`s act on what they have; supervisors on every conversation, as operators do. */
export type Actor =
  | { readonly role: 'contact' }
  | { readonly role: 'operator' }
  | {
      readonly role: 'agent'
      readonly id: string
      readonly name: string
      readonly isSupervisor: boolean
      /** The fingerprint of the token that it came with; a bot that is called has none. */
      readonly token?: string
    }

/** The name of a command. */
export type CommandName = Command['do']

/** Who may do it, and to a conversation in which states. `holder`: an agent who has it; `bot`: one that has it as a bot. */
type Rule = {
  readonly contact: boolean
  readonly agent: 'no' | 'bot' | 'holder' | 'anyone'
  readonly states: readonly Head['state'][]
  readonly summary: string
}

const OPEN = ['new', 'waiting', 'bot', 'active', 'snoozed'] as const
const ANY = [...OPEN, 'closed'] as const

/** The one table of commands. Supervisors and operators may do all of them but `rate`; operators, who are no agents, neither accept nor take over. */
export const COMMANDS = {
  accept: { contact: false, agent: 'anyone', states: ['new', 'waiting'], summary: 'takes a conversation that waits' },
  decline: { contact: false, agent: 'holder', states: ['active'], summary: 'gives it back to its place in the line' },
  takeOver: { contact: false, agent: 'no', states: OPEN, summary: 'takes it from whoever has it' },
  assign: { contact: false, agent: 'no', states: OPEN, summary: 'gives it to an agent' },
  transfer: { contact: false, agent: 'holder', states: OPEN, summary: 'sends it on to an agent or a team' },
  requeue: {
    contact: false,
    agent: 'bot',
    states: OPEN,
    summary: 'puts it back to its place in the line; a bot hands it over to people so',
  },
  snooze: { contact: false, agent: 'holder', states: ['active', 'snoozed'], summary: 'puts it aside until a time' },
  wake: {
    contact: false,
    agent: 'holder',
    states: ['snoozed'],
    summary: 'ends that: it goes on with its agent if there, else it waits',
  },
  close: { contact: true, agent: 'holder', states: ANY, summary: 'ends the episode' },
  reopen: { contact: false, agent: 'anyone', states: ['closed'], summary: 'begins a new episode' },
  note: { contact: false, agent: 'holder', states: ANY, summary: 'leaves a text for colleagues' },
  rate: { contact: true, agent: 'no', states: ANY, summary: "gives the contact's score of the episode" },
  update: {
    contact: false,
    agent: 'holder',
    states: ANY,
    summary: 'changes facts: tags, priority, subject, language, …',
  },
  link: { contact: false, agent: 'holder', states: ANY, summary: 'makes its contact and another one the same person' },
  unlink: { contact: false, agent: 'holder', states: ANY, summary: 'makes its contact somebody of its own again' },
} as const satisfies Record<CommandName, Rule>

/** What a command needs to know besides the conversation. */
export type CommandContext = {
  readonly nowMs: number
  /** An agent by id, with what keeps them from this conversation; undefined for an unknown id. */
  agent(
    id: string,
  ):
    | { readonly id: string; readonly name: string; readonly isBot: boolean; readonly obstacle: Obstacle | undefined }
    | undefined
  /** Whether there is a team of this id. */
  hasTeam(id: string): boolean
  /** Whether an agent is one of those whom the conversation waits for. */
  isWanted(agent: string): boolean
  /** For `link`: the person that both contacts are from here on. */
  readonly person?: string
}

/**
 * The records that a command makes of a conversation as it stands; none when it is so already. Throws `KEFU_CONVERSATION_NOT_FOUND` (also for one that the
 * actor may not see), `KEFU_COMMAND_REFUSED` (not for this role), `KEFU_CONVERSATION_STATE`, `KEFU_AGENT_NOT_FOUND`, `KEFU_TEAM_NOT_FOUND`, `KEFU_AGENT_UNAVAILABLE`.
 */
export function planCommand(command: Command, actor: Actor, head: Head, context: CommandContext): RecordBody[] {
  permit(command.do, actor, head, context)
  if (isDone(command, actor, head, context)) return []
  const rule: Rule = COMMANDS[command.do]
  if (!rule.states.includes(head.state))
    throw new KefuError('KEFU_CONVERSATION_STATE', { command: command.do, state: head.state })
  const by = authorOf(actor)
  const from = head.agent === undefined ? {} : { from: head.agent }
  // Who has talked with a bot begins to wait for people now.
  const since = head.state === 'bot' ? context.nowMs : (head.waitingSince ?? head.details.lineSince)
  switch (command.do) {
    case 'accept':
      return [assigned(by, taker(actor, context), 'accepted', head)]
    case 'takeOver':
      return [assigned(by, asAgent(actor), 'taken-over', head)]
    case 'assign':
      return [assigned(by, target(command.agent, context), 'assigned', head)]
    case 'decline':
      return [{ type: 'queued', by, since, reasons: ['declined'], ...from, declinedBy: head.agent! }]
    case 'requeue':
      return [{ type: 'queued', by, since, reasons: head.state === 'bot' ? ['handed-over'] : ['requeued'], ...from }]
    case 'transfer':
      return transfer(command, by, since, head, context)
    case 'snooze':
      if (command.until <= context.nowMs)
        throw new KefuError('KEFU_USAGE', { reason: 'snoozed until a time that has passed' })
      return [{ type: 'snoozed', by, until: command.until }]
    case 'wake':
      return [{ type: 'woken', by, since: context.nowMs, ...from }]
    case 'close':
      return [
        { type: 'closed', by, reason: actor.role, asksRating: command.asksRating ?? actor.role === 'agent', ...from },
      ]
    case 'reopen': {
      const reopened: RecordBody = { type: 'reopened', by }
      return actor.role === 'agent' ? [reopened, assigned(by, taker(actor, context), 'reopened', head)] : [reopened]
    }
    case 'note':
      return [{ type: 'note', by, text: command.text }]
    case 'rate': {
      const { score, comment } = command
      return [
        { type: 'rated', by, episode: head.details.episode, score, ...(comment === undefined ? {} : { comment }) },
      ]
    }
    case 'update': {
      const { team, attributes } = command.set
      if (team !== undefined && team !== '') requireTeam(team, context)
      if (attributes !== undefined) checkSize(withAttributes(head.details.attributes, attributes))
      return [{ type: 'updated', by, ...command.set }]
    }
    case 'link':
      if (context.person === undefined) throw new TypeError('nobody has said which person it is')
      return [{ type: 'linked', by, person: context.person }]
    case 'unlink':
      return [{ type: 'linked', by }]
  }
}

/** Whether an actor may see a conversation at all: its own contact, its agent, who is wanted for it, supervisors and operators. */
export function maySee(actor: Actor, head: Head, isWanted: (agent: string) => boolean): boolean {
  if (actor.role !== 'agent' || actor.isSupervisor || head.agent === actor.id) return true
  if (head.state === 'closed') return head.details.lastAgent?.id === actor.id
  return head.waitingSince !== undefined && isWanted(actor.id)
}

/** Whether an actor has to do with a conversation at this moment, more than having served it once: then the same person's others may be read, too. */
export function serves(actor: Actor, head: Head, isWanted: (agent: string) => boolean): boolean {
  return head.state !== 'closed' && maySee(actor, head, isWanted)
}

/** Throws `KEFU_CONVERSATION_NOT_FOUND` for a conversation that the actor may not see, `KEFU_COMMAND_REFUSED` for one on which it may not do this. */
export function permit(name: CommandName, actor: Actor, head: Head, context: CommandContext): void {
  if (!maySee(actor, head, context.isWanted)) throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
  const rule: Rule = COMMANDS[name]
  if (isPermitted(name, rule, actor, head)) return
  throw new KefuError('KEFU_COMMAND_REFUSED', { command: name })
}

function isPermitted(name: CommandName, rule: Rule, actor: Actor, head: Head): boolean {
  if (actor.role === 'contact') return rule.contact
  if (name === 'rate') return false
  if (actor.role === 'operator') return name !== 'accept' && name !== 'takeOver'
  if (actor.isSupervisor || rule.agent === 'anyone') return true
  if (rule.agent === 'bot') return head.state === 'bot' && head.agent === actor.id
  // After the end there is nobody who has it: then it is still with who had it last.
  return rule.agent === 'holder' && (head.agent === actor.id || head.state === 'closed')
}

/** What has been done before, as when a client that got no answer asks again. */
function isDone(command: Command, actor: Actor, head: Head, { person }: CommandContext): boolean {
  switch (command.do) {
    case 'close':
      return head.state === 'closed'
    case 'accept':
    case 'takeOver':
    case 'reopen':
      return actor.role === 'agent' && head.state === 'active' && head.agent === actor.id
    case 'assign':
      return head.state === 'active' && head.agent === command.agent
    case 'requeue':
      return head.waitingSince !== undefined
    case 'transfer':
      return command.agent === undefined
        ? head.waitingSince !== undefined && head.details.team === command.team
        : head.state === 'active' && head.agent === command.agent
    case 'snooze':
      return head.state === 'snoozed' && head.details.snoozedUntil === command.until
    case 'link':
      return person !== undefined && head.details.person === person
    case 'unlink':
      return head.details.person === undefined
    default:
      return false
  }
}

function transfer(
  { agent, team, note }: Extract<Command, { do: 'transfer' }>,
  by: Author,
  since: number,
  head: Head,
  context: CommandContext,
): RecordBody[] {
  const text = note === undefined ? {} : { note }
  if (agent !== undefined && team === undefined)
    return [{ type: 'transferred', by, agent, ...text }, assigned(by, target(agent, context), 'transferred', head)]
  if (team === undefined || agent !== undefined)
    throw new KefuError('KEFU_USAGE', { reason: 'a transfer goes to an agent or to a team' })
  requireTeam(team, context)
  const from = head.agent === undefined ? {} : { from: head.agent }
  return [
    { type: 'transferred', by, team, ...text },
    { type: 'queued', by, since, reasons: ['transferred'], team, ...from },
  ]
}

function checkSize(attributes: Readonly<Record<string, string>>): void {
  const limit = WIRE_LIMITS.attributeBytes
  const bytes = pack(attributes).length
  if (bytes > limit)
    throw new KefuError('KEFU_USAGE', {
      reason: `a contact's attributes would have ${bytes} bytes, more than ${limit}`,
    })
}

function requireTeam(id: string, context: CommandContext): void {
  if (!context.hasTeam(id)) throw new KefuError('KEFU_TEAM_NOT_FOUND', { name: id, suggestion: '' })
}

const IS_BOT = 'a bot, which gets what is new'

type Target = { readonly id: string; readonly name: string }

function assigned(by: Author, { id, name }: Target, reason: string, head: Head): RecordBody {
  const body = { type: 'assigned', by, agent: id, name, reasons: [reason] } as const
  return head.agent === undefined ? body : { ...body, from: head.agent }
}

/** Somebody else who gets it: must be there and have room. Whether they are the right one is for the sender to know. */
function target(id: string, context: CommandContext): Target {
  const agent = context.agent(id)
  if (agent === undefined) throw new KefuError('KEFU_AGENT_NOT_FOUND', { name: id, suggestion: '' })
  const { name, isBot, obstacle } = agent
  if (isBot) throw new KefuError('KEFU_AGENT_UNAVAILABLE', { name, reason: IS_BOT })
  if (obstacle === 'offline' || obstacle === 'away' || obstacle === 'full')
    throw new KefuError('KEFU_AGENT_UNAVAILABLE', { name, reason: obstacle })
  return agent
}

/** Who takes it for themselves: is a person, and has room. */
function taker(actor: Actor, context: CommandContext): Target {
  const self = asAgent(actor)
  const agent = context.agent(self.id)
  // One who was a person may still see what it had last.
  if (agent?.isBot) throw new KefuError('KEFU_AGENT_UNAVAILABLE', { name: self.name, reason: IS_BOT })
  if (agent?.obstacle === 'full') throw new KefuError('KEFU_AGENT_UNAVAILABLE', { name: self.name, reason: 'full' })
  return self
}

function asAgent(actor: Actor): Target {
  if (actor.role !== 'agent') throw new TypeError('only agents have conversations')
  return actor
}

/** Who is named as the author of what an actor does. */
export function authorOf(actor: Actor): Author {
  return actor.role === 'agent' ? { role: 'agent', id: actor.id, name: actor.name } : { role: actor.role }
}

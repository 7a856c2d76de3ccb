import type { ConversationId } from '../../../codec/conversation-id.js'
import type { Command } from '../../../codec/wire-commands.js'
import { isKefuError, KefuError } from '../../../errors.js'
import type { AuditAct, AuditPort } from '../../core/audit.js'
import { type Actor, authorOf, type CommandContext, maySee, permit, planCommand } from '../../core/commands.js'
import type { Head } from '../../core/model.js'
import type { Clock, LogPort } from '../../core/ports.js'
import type { MessageRecordBody, RecordBody } from '../../core/records.js'
import { obstacle } from '../../core/routing.js'
import { underAudit } from '../../core/under-audit.js'
import type { AgentRegistry } from '../registry/agents.js'
import type { TeamRegistry } from '../registry/teams.js'
import type { Persons } from './persons.js'
import type { Router } from './router.js'

/** What carrying out commands stands on. */
export type CommandPorts = {
  readonly log: LogPort
  readonly clock: Clock
  readonly router: Router
  readonly agents: AgentRegistry
  readonly teams: TeamRegistry
  readonly persons: Persons
  readonly audit: AuditPort
}

/** What became of a command: it holds now, on disk up to `n`. */
export type CommandResult = { readonly conversation: ConversationId; readonly n: number; readonly changed: boolean }

const ATTEMPTS = 10

/** Carries out what agents, contacts and operators want done to conversations. */
export class Commands {
  readonly #ports: CommandPorts

  constructor(ports: CommandPorts) {
    this.#ports = ports
  }

  /**
   * Resolves when it is on disk. Decides again when the conversation has moved meanwhile. Throws what `planCommand` throws, `KEFU_CONVERSATION_NOT_FOUND`
   * for one that does not exist, `KEFU_PERSON_FULL`, and what the log and the directory throw.
   */
  async run(conversation: ConversationId, actor: Actor, given: Command): Promise<CommandResult> {
    const { persons } = this.#ports
    const command = this.#resolve(given)
    if (command.do === 'link' || command.do === 'unlink') {
      // Who may not do it waits for nobody who may. Whether it still may is looked at again when it is its turn.
      const head = await this.#head(conversation)
      permit(command.do, actor, head, this.#context(head))
    }
    if (command.do === 'link') return persons.exclusive(() => this.#link(conversation, actor, command))
    if (command.do === 'unlink') return persons.exclusive(() => this.#unlink(conversation, actor, command))
    return this.#carryOut(conversation, head => planCommand(command, actor, head, this.#context(head)))
  }

  /**
   * Appends what a bot says and what it wants done behind that, as one unit, if it still has the conversation (else `changed` is false, and nothing is
   * appended). Throws as `run` does.
   */
  async answer(
    conversation: ConversationId,
    bot: Extract<Actor, { role: 'agent' }>,
    said: readonly MessageRecordBody[],
    commands: readonly Command[],
  ): Promise<CommandResult> {
    const resolved = commands.map(command => this.#resolve(command))
    return this.#carryOut(conversation, head => {
      if (head.state !== 'bot' || head.agent !== bot.id) return []
      const context = this.#context(head)
      return [...said, ...resolved.flatMap(command => planCommand(command, bot, head, context))]
    })
  }

  async #link(
    conversation: ConversationId,
    actor: Actor,
    command: Extract<Command, { do: 'link' }>,
  ): Promise<CommandResult> {
    const head = await this.#head(conversation)
    permit('link', actor, head, this.#context(head))
    const other = await this.#head(command.with as ConversationId)
    if (!maySee(actor, other, this.#context(other).isWanted)) throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
    if (other.conversation === conversation)
      throw new KefuError('KEFU_USAGE', { reason: 'a conversation is not linked with itself' })
    const join = () => this.#join(actor, command, [head, other])
    return this.#underAudit(
      'contact.merge',
      actor,
      { target: conversation, fields: { with: [other.conversation] } },
      join,
    )
  }

  async #join(
    actor: Actor,
    command: Extract<Command, { do: 'link' }>,
    [head, other]: readonly [Head, Head],
  ): Promise<CommandResult> {
    const { persons } = this.#ports
    const { person, untold, replaced } = await persons.join(head, other)
    try {
      const result = await this.#tellLinked(head, untold, actor, command, person)
      await persons.drop(replaced)
      return result
    } catch (error) {
      // Of a record that may have been written after all the person is needed. Left over it harms nobody: what has failed counts.
      if (!isKefuError(error, 'KEFU_STORE_UNAVAILABLE')) await persons.abandon(person).catch(() => undefined)
      throw error
    }
  }

  async #tellLinked(
    { conversation, n }: Head,
    untold: readonly Head[],
    actor: Actor,
    command: Extract<Command, { do: 'link' }>,
    person: string,
  ): Promise<CommandResult> {
    const linked: RecordBody = { type: 'linked', by: authorOf(actor), person }
    let result: CommandResult = { conversation, n, changed: untold.length > 0 }
    for (const each of untold) {
      if (each.conversation === conversation)
        result = await this.#carryOut(conversation, present =>
          planCommand(command, actor, present, { ...this.#context(present), person }),
        )
      else await this.#carryOut(each.conversation, ({ details }) => (details.person === person ? [] : [linked]))
    }
    return result
  }

  async #unlink(
    conversation: ConversationId,
    actor: Actor,
    command: Extract<Command, { do: 'unlink' }>,
  ): Promise<CommandResult> {
    const head = await this.#head(conversation)
    permit('unlink', actor, head, this.#context(head))
    return this.#underAudit('contact.split', actor, { target: conversation }, async () => {
      await this.#ports.persons.leave(head)
      return this.#carryOut(conversation, present => planCommand(command, actor, present, this.#context(present)))
    })
  }

  /** What agents do to contacts. What operators do is noted where they ask for it. */
  #underAudit(
    action: string,
    actor: Actor,
    told: Pick<AuditAct, 'target' | 'fields'>,
    run: () => Promise<CommandResult>,
  ): Promise<CommandResult> {
    if (actor.role !== 'agent') return run()
    const { id, token } = actor
    const by = { kind: 'agent', id, ...(token === undefined ? {} : { token }) } as const
    return underAudit(this.#ports.audit, { action, by, ...told }, run, ({ changed }) => ({
      outcome: changed ? 'done' : 'unchanged',
    }))
  }

  async #head(conversation: ConversationId): Promise<Head> {
    const head = await this.#ports.log.head(conversation)
    if (head === null) throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
    return head
  }

  /** Appends what a conversation as it stands makes necessary, and decides again when it has moved meanwhile. */
  async #carryOut(conversation: ConversationId, plan: (head: Head) => readonly RecordBody[]): Promise<CommandResult> {
    for (let attempt = 1; ; attempt++) {
      const head = await this.#head(conversation)
      const bodies = plan(head)
      if (bodies.length === 0) return { conversation, n: head.n, changed: false }
      try {
        const { n } = await this.#ports.router.carry(head, bodies)
        return { conversation, n, changed: true }
      } catch (error) {
        if (!isKefuError(error, 'KEFU_STORE_CONFLICT') || attempt === ATTEMPTS) throw error
      }
    }
  }

  #context(head: Head): CommandContext {
    const { clock, router, agents } = this.#ports
    const need = router.need(head)
    return {
      nowMs: clock.now(),
      agent: id => {
        const agent = agents.byId(id)
        const seat = router.board.agent(id)
        if (agent === undefined || seat === undefined) return undefined
        // Whether it is the right one is for the sender to know: of an agent who is not, too, it counts who is there and has room.
        return {
          id,
          name: agent.name,
          isBot: seat.isBot,
          obstacle: obstacle(seat, { ...need, requires: {}, declinedBy: [] }),
        }
      },
      hasTeam: team => router.board.hasTeam(team),
      isWanted: agent => router.board.isMember(agent, need.team),
    }
  }

  /** Names become ids. What names nothing stays, and is refused as unknown. */
  #resolve(command: Command): Command {
    const { agents, teams } = this.#ports
    const agentId = (name: string): string => agents.byName(name)?.id ?? name
    const teamId = (name: string): string => teams.byName(name)?.id ?? name
    switch (command.do) {
      case 'assign':
        return { ...command, agent: agentId(command.agent) }
      case 'transfer':
        if (command.agent !== undefined) return { ...command, agent: agentId(command.agent) }
        return command.team === undefined ? command : { ...command, team: teamId(command.team) }
      case 'update':
        if (command.set.team === undefined) return command
        return { ...command, set: { ...command.set, team: teamId(command.set.team) } }
      default:
        return command
    }
  }
}

import { string } from '@oclif/core/flags'
import { KefuError } from '../../errors.js'
import { CONVERSATION, QueueCommand } from './_queue/queue-command.js'

export default class QueueTransfer extends QueueCommand {
  static override summary = 'send a conversation on to an agent or a team'
  static override description =
    'To an agent at once; into the line of a team at the place that it has earned by waiting. The note is for colleagues only.'
  static override examples = [
    '<%= config.bin %> queue transfer c_01J9ZK4T7Q0000000000000000 --team billing',
    '<%= config.bin %> queue transfer c_01J9ZK4T7Q0000000000000000 --agent xiaowang',
  ]
  static override args = { conversation: CONVERSATION }
  static override flags = {
    agent: string({ helpValue: 'NAME', summary: 'to this agent' }),
    team: string({ helpValue: 'NAME', summary: 'to this team' }),
    note: string({ helpValue: 'TEXT', summary: 'what colleagues should know' }),
  }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(QueueTransfer)
    const { agent, team, note } = flags
    if ((agent === undefined) === (team === undefined))
      throw new KefuError('KEFU_USAGE', { reason: 'a transfer needs --agent or --team, one of them' })
    const command = {
      do: 'transfer' as const,
      ...(agent === undefined ? {} : { agent }),
      ...(team === undefined ? {} : { team }),
      ...(note === undefined ? {} : { note }),
    }
    return this.carryOut(args.conversation, command, `Transferred to ${agent ?? `team ${team}`}`)
  }
}

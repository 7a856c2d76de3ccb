import { string as argument } from '@oclif/core/args'
import type { Command } from '../../../codec/wire-commands.js'
import { BaseCommand } from '../../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../../_cli/exit-codes.js'

/** The argument of commands about one conversation. */
export const CONVERSATION = argument({
  required: true,
  ignoreStdin: true,
  description: 'id of the conversation, as kefu queue list shows it',
})

/** What commands that change a conversation share: they say what became of it and what to do next. */
export abstract class QueueCommand extends BaseCommand {
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const, 14 as const]

  /** Has a command carried out; `done` says it as a sentence. */
  protected async carryOut(conversation: string, command: Command, done: string): Promise<object> {
    const control = await this.control()
    const answer = await control.call('queue.command', { conversation, command })
    this.output.line(answer.changed ? `${done}.` : 'Unchanged: it is so already.')
    if (this.output.mode === 'plain')
      this.output.raw(`${conversation}\t${answer.n}\t${answer.changed ? 'changed' : 'unchanged'}\n`)
    this.output.note(`Next: kefu queue show ${conversation}`)
    return answer
  }
}

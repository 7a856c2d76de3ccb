import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { adviceOn, HOOK, hookFacts } from './_hook/views.js'

export default class HookShow extends BaseCommand {
  static override summary = 'show a hook'
  static override description =
    'Where it is called, of what, and how it does: running, retrying (some conversations wait for another attempt), down (nothing gets through; it stays where it is and tries again), ' +
    'unreadable (what comes next in the log is damaged or cannot be read at this moment; it stays before it and tries again) or stopped. BEHIND counts the records of the log that it has not looked at or delivered yet.'
  static override examples = ['<%= config.bin %> hook show crm']
  static override args = { name: HOOK }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const]

  async run(): Promise<object> {
    const { args } = await this.parse(HookShow)
    const control = await this.control()
    const answer = await control.call('hook.show', { name: args.name })
    this.output.facts(hookFacts(answer.hook))
    const advice = adviceOn(answer.hook)
    if (advice !== undefined) this.output.note(advice)
    return answer
  }
}

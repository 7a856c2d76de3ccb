import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import type { Fact } from '../_cli/output.js'
import { wordsOfDuration } from '../_cli/words.js'
import { HOOK } from './_hook/views.js'

const REFUSED = 1
/** The daemon waits 10 s for the endpoint. */
const TIMEOUT_MS = 15_000

export default class HookTest extends BaseCommand {
  static override summary = 'call a hook once'
  static override description =
    'Delivers a record of the type test, which belongs to no conversation, also while the hook is stopped. Exit code 1 when the endpoint did not take it.'
  static override examples = ['<%= config.bin %> hook test crm']
  static override args = { name: HOOK }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const]

  async run(): Promise<object> {
    const { args } = await this.parse(HookTest)
    const control = await this.control()
    const answer = await control.call('hook.test', { name: args.name }, { timeoutMs: this.timeoutMs(TIMEOUT_MS) })
    const { ok, status, reason, ms } = answer
    this.output.line(ok ? `Hook ${args.name} took it.` : `Hook ${args.name} did not take it: ${reason}.`)
    const facts: Fact[] = [
      ['hook', args.name],
      ['result', ok ? 'taken' : 'failed'],
      ['took', `${ms}ms`, wordsOfDuration(ms)],
    ]
    if (status !== undefined) facts.push(['status', String(status)])
    if (reason !== undefined) facts.push(['reason', reason])
    this.output.facts(facts)
    if (!ok) {
      this.output.note(`Next: look at its endpoint, and at the address: kefu hook show ${args.name}`)
      process.exitCode = REFUSED
    }
    return answer
  }
}

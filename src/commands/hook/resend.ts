import { string as argument } from '@oclif/core/args'
import { boolean } from '@oclif/core/flags'
import type { ControlClient } from '../../daemon/control/client.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { givenSeqs } from './_hook/seqs.js'
import { HOOK } from './_hook/views.js'

const PAGE = 1_000
const PARTLY = 4
const FAILED = 1
/** So many failures in a row, and the others are not tried. */
const FAILURES = 3
/** The daemon waits 10 s for the endpoint. */
const TIMEOUT_MS = 15_000

export default class HookResend extends BaseCommand {
  static override summary = 'deliver dead letters once more'
  static override description =
    'One after the other in the order of the log, under the same ids. What is delivered is no dead letter any more; after three failures in a row the others are left. ' +
    'Exit code 4 when some failed, 1 when all did.'
  static override examples = ['<%= config.bin %> hook resend crm 18402', '<%= config.bin %> hook resend crm --all']
  static override args = {
    name: HOOK,
    seqs: argument({
      multiple: true,
      ignoreStdin: true,
      description: 'SEQ of dead letters, as kefu hook dead shows them',
    }),
  }
  static override flags = { all: boolean({ summary: 'all of its dead letters' }) }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 4 as const, 13 as const]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(HookResend)
    const { name } = args
    const given = givenSeqs(args.seqs, flags.all)
    const control = await this.control()
    const seqs = given ?? (await allOf(control, name))
    const sent: number[] = []
    const failed: { seq: number; reason: string }[] = []
    let inARow = 0
    for (const seq of seqs) {
      if (inARow === FAILURES) break
      const { ok, reason = '' } = await control.call(
        'hook.resend',
        { name, seq },
        {
          timeoutMs: this.timeoutMs(TIMEOUT_MS),
        },
      )
      if (ok) sent.push(seq)
      else failed.push({ seq, reason })
      inARow = ok ? 0 : inARow + 1
    }
    const left = seqs.length - sent.length - failed.length
    for (const { seq, reason } of failed) this.output.warn(`${seq} was not delivered: ${reason}`)
    this.output.line(`Delivered ${sent.length} of ${seqs.length}.`)
    this.output.facts([
      ['delivered', String(sent.length)],
      ['failed', String(failed.length)],
      ['left', String(left)],
    ])
    if (failed.length > 0) {
      process.exitCode = sent.length > 0 ? PARTLY : FAILED
      this.output.note(`Next: kefu hook test ${name}`)
    }
    return { delivered: sent, failed, left }
  }
}

async function allOf(control: ControlClient, name: string): Promise<number[]> {
  const { letters } = await control.call('hook.dead', { name, limit: PAGE })
  return letters.map(({ seq }) => seq)
}

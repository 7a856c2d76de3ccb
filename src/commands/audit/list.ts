import { setTimeout as sleep } from 'node:timers/promises'
import { boolean, string } from '@oclif/core/flags'
import type { AuditEntryView, ControlClient, RequestOf } from '../../daemon/control/client.js'
import { KefuError } from '../../errors.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { instantOf } from '../_cli/instant.js'
import { chosenColumns, LIST_FLAGS, noteNext } from '../_cli/listing.js'
import { AUDIT_COLUMNS, auditLine } from './_audit/views.js'

type Filter = Pick<RequestOf<'audit.list'>, 'since' | 'until' | 'action' | 'by'>

const USUAL_LIMIT = 100
const PAGE_LIMIT = 1_000
const POLL_MS = 1_000

export default class AuditList extends BaseCommand {
  static override summary = 'list who changed what, the latest first'
  static override description =
    'Every operation that changes something, every start, and refused logins, summed up by address. Of operators it shows who they say they are; whoever may open the ' +
    'control socket is the user of the daemon, or root. No secret is in it, nor what anybody wrote, nor who a contact is.'
  static override examples = [
    '<%= config.bin %> audit list',
    '<%= config.bin %> audit list --since 7d --action credential',
    '<%= config.bin %> audit list --by xiaowang --limit 20',
    '<%= config.bin %> audit list -f --action login',
    '<%= config.bin %> audit list --json | jq -r ".entries[].action"',
  ]
  static override flags = {
    ...LIST_FLAGS,
    since: string({ helpValue: 'TIME', summary: 'from when: so long ago, or an instant such as 2026-11-16T08:00:00Z' }),
    until: string({ helpValue: 'TIME', summary: 'until when' }),
    action: string({
      helpValue: 'ACTION',
      summary: 'only this action, or those with this word before the dot: channel',
    }),
    by: string({
      helpValue: 'WHO',
      summary: 'only by this user, uid, agent, token or address; or operator, agent, daemon',
    }),
    follow: boolean({ char: 'f', summary: 'the latest last, and go on with what comes, until Ctrl-C' }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES]

  async run(): Promise<object | undefined> {
    const { flags } = await this.parse(AuditList)
    const { limit = USUAL_LIMIT, cursor, fields, action, by, follow } = flags
    const columns = chosenColumns(AUDIT_COLUMNS, fields)
    const now = Date.now()
    const filter: Filter = {
      ...(flags.since === undefined ? {} : { since: instantOf('since', flags.since, now) }),
      ...(flags.until === undefined ? {} : { until: instantOf('until', flags.until, now) }),
      ...(action === undefined ? {} : { action }),
      ...(by === undefined ? {} : { by }),
    }
    if (follow && (cursor !== undefined || flags.until !== undefined))
      throw new KefuError('KEFU_USAGE', { reason: '--follow goes on from now: without --cursor and --until' })
    if (follow) return this.#follow(await this.control({ signal: this.interrupt }), filter, limit)
    const answer = await entriesOf(await this.control(), { ...filter, cursor }, limit)
    await this.output.list(columns, answer.entries)
    if (answer.entries.length === 0) this.output.note('Nothing of that is in the audit log')
    noteNext(this.output, answer.next)
    return answer
  }

  async #follow(control: ControlClient, filter: Filter, limit: number): Promise<undefined> {
    let { entries } = await entriesOf(control, filter, limit)
    let after = 0
    while (!this.interrupt.aborted) {
      for (const entry of entries.toReversed()) await this.#show(entry)
      after = Math.max(after, ...entries.map(({ n }) => n))
      await sleep(POLL_MS, undefined, { signal: this.interrupt }).catch(() => undefined)
      if (this.interrupt.aborted) break
      entries = (await entriesOf(control, { ...filter, after }, PAGE_LIMIT)).entries
    }
    return undefined
  }

  async #show(entry: AuditEntryView): Promise<void> {
    if (this.output.mode === 'json') this.output.event({ type: 'entry', ...entry })
    else if (this.output.mode === 'plain') await this.output.list(AUDIT_COLUMNS, [entry])
    else this.output.line(auditLine(entry))
  }
}

/** As many entries as are wanted: where they are far apart, in several steps. */
async function entriesOf(
  control: ControlClient,
  request: RequestOf<'audit.list'>,
  limit: number,
): Promise<{ readonly entries: readonly AuditEntryView[]; readonly next?: string }> {
  const entries: AuditEntryView[] = []
  let { cursor } = request
  do {
    const answer = await control.call('audit.list', { ...request, cursor, limit: limit - entries.length })
    entries.push(...answer.entries)
    cursor = answer.next
  } while (cursor !== undefined && entries.length < limit)
  return cursor === undefined ? { entries } : { entries, next: cursor }
}

import type { AnswerOf, ControlClient } from '../../daemon/control/client.js'
import { KefuError } from '../../errors.js'
import { BaseCommand } from '../_cli/base-command.js'
import { daemonStatus } from '../_cli/daemon-life.js'
import { COMMON_EXIT_CODES } from '../_cli/exit-codes.js'
import type { ListColumn } from '../_cli/output.js'
import { createProgress, type Progress } from '../_cli/progress.js'
import { wordsOfCount } from '../_cli/words.js'

const DAMAGED = 16

type Result = Omit<Extract<AnswerOf<'audit.check'>, { readonly type: 'result' }>, 'type'>

const COLUMNS: readonly ListColumn<Result['findings'][number]>[] = [
  { key: 'n', header: 'ENTRY', align: 'right', plain: ({ n }) => String(n) },
  { key: 'message', header: 'WHAT', plain: ({ message }) => message },
]

export default class AuditVerify extends BaseCommand {
  static override summary = 'prove that nothing in the audit log was changed'
  static override description =
    'Reads every entry: each names the hash of the one before it, and the store knows the last one. Entries that were changed, removed, swapped or cut off are named. ' +
    'Works with the daemon, which goes on serving, and without. Ends with exit code 16 when something is wrong.'
  static override examples = ['<%= config.bin %> audit verify', '<%= config.bin %> audit verify --json']
  static override exitCodes = [
    ...COMMON_EXIT_CODES,
    11 as const,
    12 as const,
    13 as const,
    15 as const,
    16 as const,
    17 as const,
    18 as const,
    130 as const,
  ]

  async run(): Promise<object> {
    await this.parse(AuditVerify)
    const control = await this.control({ signal: this.interrupt })
    const progress = createProgress(this.output, 'byte')
    const isRunning = (await daemonStatus(control)) !== undefined
    const result = isRunning ? await checkThroughDaemon(control, progress) : await this.#checkHere(progress)
    progress.end()
    const { entries, findings, moreFindings } = result
    await this.output.list(COLUMNS, findings)
    if (findings.length === 0) {
      this.output.line(`The audit log is sound: ${wordsOfCount(entries, 'entry', 'entries')}.`)
      if (this.output.mode === 'plain') this.output.facts([['result', 'sound']])
    } else {
      process.exitCode = DAMAGED
      const count = wordsOfCount(findings.length + moreFindings, 'finding')
      this.output.line(`${count} in ${wordsOfCount(entries, 'entry', 'entries')}.`)
      this.output.note('Next: compare the files with those of a backup; the entries that are named tell which')
    }
    return { sound: findings.length === 0, ...result }
  }

  async #checkHere(progress: Progress): Promise<Result> {
    const { config } = await this.configuration()
    const { inspectAudit } = await import('../../daemon/inspect-audit.js')
    const { interrupt } = this
    try {
      return await inspectAudit(this.dirs, config, { signal: interrupt, onProgress: progress.update })
    } catch (error) {
      if (interrupt.aborted) throw new KefuError('KEFU_ABORTED', {}, { cause: error })
      throw error
    }
  }
}

async function checkThroughDaemon(control: ControlClient, progress: Progress): Promise<Result> {
  for await (const event of control.stream('audit.check', {})) {
    if (event.type === 'progress') {
      progress.update(event.done, event.total)
      continue
    }
    const { type: _, ...result } = event
    return result
  }
  throw new KefuError('KEFU_DISCONNECTED', { reason: 'the check ended without a result' })
}

import { boolean } from '@oclif/core/flags'
import type { AnswerOf, ControlClient } from '../../daemon/control/client.js'
import { KefuError } from '../../errors.js'
import { BaseCommand } from '../_cli/base-command.js'
import { daemonStatus } from '../_cli/daemon-life.js'
import { COMMON_EXIT_CODES } from '../_cli/exit-codes.js'
import type { ListColumn } from '../_cli/output.js'
import { createProgress, type Progress } from '../_cli/progress.js'
import { wordsOfCount, wordsOfDuration } from '../_cli/words.js'

const DAMAGED = 16

type Result = Omit<Extract<AnswerOf<'store.check'>, { readonly type: 'result' }>, 'type'>
type Finding = Result['findings'][number]

const COLUMNS: readonly ListColumn<Finding>[] = [
  { key: 'kind', header: 'KIND', plain: finding => finding.kind },
  { key: 'conversation', header: 'CONVERSATION', plain: finding => finding.conversation ?? '' },
  { key: 'n', header: 'N', align: 'right', plain: finding => String(finding.n ?? '') },
  { key: 'message', header: 'WHAT', plain: finding => finding.message },
]

export default class StoreCheck extends BaseCommand {
  static override summary = 'check the integrity of the store'
  static override description =
    'Without --deep: the log is contiguous and every conversation ends where it should. With --deep every record is read and its checksum verified, and the audit log as by kefu audit verify. ' +
    'Works with the daemon, which goes on serving, and without. Ends with exit code 16 when something is wrong.'
  static override examples = ['<%= config.bin %> store check', '<%= config.bin %> store check --deep --json']
  static override flags = { deep: boolean({ default: false, summary: 'read and verify every record' }) }
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
    const { flags } = await this.parse(StoreCheck)
    const started = performance.now()
    const control = await this.control({ signal: this.interrupt })
    const progress = createProgress(this.output, 'record')
    const isRunning = (await daemonStatus(control)) !== undefined
    const result = isRunning
      ? await checkThroughDaemon(control, flags.deep, progress)
      : await this.#checkHere(flags.deep, progress)
    progress.end()
    const { findings, records, conversations } = result
    const checked = `${wordsOfCount(records, 'record')} in ${wordsOfCount(conversations, 'conversation')}`
    const words = `${checked} · ${wordsOfDuration(performance.now() - started)}`
    await this.output.list(COLUMNS, findings)
    if (findings.length === 0) {
      this.output.line(`The store is sound: ${words}.`)
      if (this.output.mode === 'plain') this.output.facts([['result', 'sound']])
    } else {
      process.exitCode = DAMAGED
      this.output.line(`${wordsOfCount(findings.length, 'finding')}: ${words}.`)
      this.output.note('Next: restore from a backup; what is not damaged can still be read')
    }
    return { sound: findings.length === 0, ...result }
  }

  async #checkHere(deep: boolean, progress: Progress): Promise<Result> {
    const { config } = await this.configuration()
    const { inspectStore } = await import('../../daemon/open-store.js')
    const { checkAuditBeside } = await import('../../daemon/inspect-audit.js')
    const { interrupt } = this
    const options = { deep, signal: interrupt, onProgress: progress.update }
    try {
      return await inspectStore(this.dirs, config, async store => {
        const result = await store.check(options)
        if (!deep) return result
        const { findings } = await checkAuditBeside(store, this.dirs, { signal: interrupt })
        return { ...result, findings: [...result.findings, ...findings.map(found => ({ kind: 'audit', ...found }))] }
      })
    } catch (error) {
      if (interrupt.aborted) throw new KefuError('KEFU_ABORTED', {}, { cause: error })
      throw error
    }
  }
}

async function checkThroughDaemon(control: ControlClient, deep: boolean, progress: Progress): Promise<Result> {
  for await (const event of control.stream('store.check', { deep })) {
    if (event.type === 'progress') {
      progress.update(event.done, event.total)
      continue
    }
    const { type: _, ...result } = event
    return result
  }
  throw new KefuError('KEFU_DISCONNECTED', { reason: 'the check ended without a result' })
}

import { string as argument } from '@oclif/core/args'
import { parseMessageId } from '../../../codec/message-id.js'
import type { AnswerOf, ControlClient, OutboxRowView, OutboxTotalsView } from '../../../daemon/control/client.js'
import { OUTBOX_MESSAGES_LIMIT } from '../../../daemon/control/outbox-vocabulary.js'
import { KefuError } from '../../../errors.js'
import { BaseCommand } from '../../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES, type ExitCode } from '../../_cli/exit-codes.js'
import { wordsOfCount } from '../../_cli/words.js'

type Done = AnswerOf<'outbox.retry'>['messages'][number]
type State = OutboxRowView['state']

/** Which messages a command means: those named, or all of some states. */
export type Selection = {
  readonly ids: readonly string[]
  readonly isAll: boolean
  readonly channel: string | undefined
  readonly states: readonly State[]
}

const PARTLY_DONE = 4
/** Failures that are told with their sentences. */
const FAILURES_TOLD = 10

/** The argument of commands about messages. */
export const MESSAGES = argument({
  multiple: true,
  ignoreStdin: true,
  description: 'ids of messages, as kefu outbox list shows them',
})

/** What commands that change the outbox share: which messages they mean, and how they say what became of them. */
export abstract class OutboxCommand extends BaseCommand {
  static override exitCodes: readonly ExitCode[] = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 4, 13, 14]

  /** Checks a selection before anything is asked of the daemon. Throws `KEFU_USAGE`. */
  protected checked({ ids, isAll, channel, states }: Selection): void {
    if (isAll === ids.length > 0) throw usage(isAll ? 'either ids or --all' : 'name messages by their ids, or --all')
    if (!isAll && (channel !== undefined || states.length > 0)) throw usage('--channel and --state go with --all')
    const wrong = ids.find(id => parseMessageId(id) === undefined)
    if (wrong !== undefined)
      throw usage(`"${wrong.slice(0, 80)}" is not the id of a message; kefu outbox list shows them`)
  }

  /** How many messages a selection is of now. */
  protected async countOf(control: ControlClient, { ids, isAll, channel, states }: Selection): Promise<number> {
    if (!isAll) return ids.length
    const { totals } = await control.call('outbox.list', { limit: 1, ...(channel === undefined ? {} : { channel }) })
    return states.reduce((sum, state) => sum + totals[state as keyof OutboxTotalsView], 0)
  }

  /**
   * Has it done to the messages of a selection, and says what became of each; `done` is the word for those that changed. One that fails does not keep the
   * others from being done: the exit code is 4 then. Throws what failed when nothing else was asked for.
   */
  protected async carryOut(
    control: ControlClient,
    selection: Selection,
    done: string,
    act: (messages: string[]) => Promise<AnswerOf<'outbox.retry'>>,
  ): Promise<object> {
    const results: Done[] = []
    for await (const messages of chunksOf(control, selection)) {
      const { messages: answered } = await act(messages)
      await this.#throwOnly(selection, answered)
      for (const result of answered) {
        results.push(result)
        const what = result.error?.code ?? (result.changed ? done : 'unchanged')
        if (this.output.mode === 'plain') this.output.raw(`${result.id}\t${what}\n`)
      }
    }
    this.#sayFailures(results)
    const changed = results.filter(result => result.changed).length
    const failed = results.filter(result => result.error !== undefined).length
    const unchanged = results.length - changed - failed
    const words = [
      `${wordsOfCount(changed, 'message')} ${done}`,
      ...(unchanged > 0 ? [`${unchanged} unchanged: it is so already`] : []),
      ...(failed > 0 ? [`${failed} failed`] : []),
    ]
    this.output.line(`${words.join(', ')}.`)
    this.output.note('Next: kefu outbox list')
    return { messages: results, changed, failed }
  }

  /** The failure of the only message that was named is that of the command. */
  async #throwOnly({ ids }: Selection, [first, ...others]: readonly Done[]): Promise<void> {
    if (ids.length !== 1 || first?.error === undefined || others.length > 0) return
    const { ReportedError } = await import('../../../daemon/control/client.js')
    throw new ReportedError(first.error)
  }

  #sayFailures(results: readonly Done[]): void {
    const failures = results.flatMap(({ error }) => (error === undefined ? [] : [error]))
    if (failures.length === 0) return
    for (const { message, hint } of failures.slice(0, FAILURES_TOLD)) this.output.warn(`${message}; ${hint}`)
    if (failures.length > FAILURES_TOLD) this.output.warn(`${failures.length - FAILURES_TOLD} more failed`)
    process.exitCode = PARTLY_DONE
  }
}

/** The messages of a selection in the order of the outbox (of ids, as they were given), as many at a time as one request takes. */
async function* chunksOf(
  control: ControlClient,
  { ids, isAll, channel, states }: Selection,
): AsyncGenerator<string[], void, undefined> {
  if (!isAll) {
    for (let at = 0; at < ids.length; at += OUTBOX_MESSAGES_LIMIT) yield ids.slice(at, at + OUTBOX_MESSAGES_LIMIT)
    return
  }
  const request = { limit: OUTBOX_MESSAGES_LIMIT, states: [...states], ...(channel === undefined ? {} : { channel }) }
  let cursor: string | undefined
  do {
    const page = await control.call('outbox.list', { ...request, cursor })
    if (page.messages.length > 0) yield page.messages.map(({ id }) => id)
    cursor = page.next
  } while (cursor !== undefined)
}

function usage(reason: string): KefuError {
  return new KefuError('KEFU_USAGE', { reason })
}

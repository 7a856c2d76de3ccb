import { option } from '@oclif/core/flags'
import type { ControlClient } from '../../daemon/control/client.js'
import { BaseCommand } from './base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES, type ExitCode } from './exit-codes.js'
import { chosenColumns, LIST_FLAGS, noteNext } from './listing.js'
import type { ListColumn } from './output.js'

/** The `--sort` of a list over these fields, each also with `-` in front. */
export const sortFlag = <const S extends readonly string[]>(options: S) =>
  option({ options, helpValue: 'FIELD', summary: 'order; with - in front, descending' })()

/** Orders of what has a name. */
export const NAMED_SORTS = ['name', '-name', 'created', '-created'] as const

type Range<Sort> = {
  readonly limit: number | undefined
  readonly cursor: string | undefined
  readonly sort: Sort | undefined
}

/** A command that shows a page of what the daemon has, a line each. */
export abstract class ListCommand extends BaseCommand {
  static override flags = LIST_FLAGS
  static override exitCodes: readonly ExitCode[] = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES]

  /** Fetches a page, lists its rows in the chosen columns, and says how to go on; without rows it says `none`. Resolves with the daemon's answer. */
  protected async showPage<Row, Sort, Answer extends { readonly next?: string }>(
    { fields, limit, cursor, sort }: Range<Sort> & { readonly fields: string | undefined },
    columns: readonly ListColumn<Row>[],
    fetch: (control: ControlClient, range: Range<Sort>) => Promise<Answer>,
    rowsOf: (answer: Answer) => readonly Row[],
    none: string,
  ): Promise<Answer> {
    const chosen = chosenColumns(columns, fields)
    const answer = await fetch(await this.control(), { limit, cursor, sort })
    const rows = rowsOf(answer)
    await this.output.list(chosen, rows)
    if (rows.length === 0) this.output.note(none)
    noteNext(this.output, answer.next)
    return answer
  }
}

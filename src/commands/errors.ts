import { string as argument } from '@oclif/core/args'
import { ERRORS, KefuError } from '../errors.js'
import { suggestion } from '../nearest.js'
import { BaseCommand } from './_cli/base-command.js'
import { COMMON_EXIT_CODES, EXIT_CODES } from './_cli/exit-codes.js'
import type { ListColumn } from './_cli/output.js'

type ErrorView = {
  readonly code: string
  readonly message: string
  readonly exit: number
  readonly http: number
  readonly retryable: boolean
  readonly hint: string
}

const COLUMNS: readonly ListColumn<ErrorView>[] = [
  { key: 'code', header: 'CODE', plain: error => error.code },
  { key: 'exit', header: 'EXIT', align: 'right', plain: error => String(error.exit) },
  { key: 'message', header: 'MESSAGE', plain: error => error.message, isFlexible: true },
]

export default class Errors extends BaseCommand {
  static override summary = 'explain error codes'
  static override description =
    'All of them, or one: its sentence, its exit code, whether trying again can help, and what to do.'
  static override examples = ['<%= config.bin %> errors', '<%= config.bin %> errors KEFU_PORT_TAKEN']
  static override args = { code: argument({ ignoreStdin: true, description: 'an error code' }) }
  static override exitCodes = COMMON_EXIT_CODES

  async run(): Promise<object> {
    const { args } = await this.parse(Errors)
    const errors: ErrorView[] = Object.entries(ERRORS).map(([code, { message, exit, http, retryable, hint }]) => ({
      code,
      message,
      exit,
      http,
      retryable,
      hint,
    }))
    if (args.code === undefined) {
      await this.output.list(COLUMNS, errors)
      this.output.note('Next: kefu errors CODE')
      return { errors }
    }
    const wanted = args.code.toUpperCase()
    const error = errors.find(({ code }) => code === wanted || code === `KEFU_${wanted}`)
    if (error === undefined) {
      const near = suggestion(wanted, Object.keys(ERRORS))
      throw new KefuError('KEFU_USAGE', { reason: `there is no error code "${args.code.slice(0, 80)}"${near}` })
    }
    const meaning = Object.entries(EXIT_CODES).find(([code]) => Number(code) === error.exit)?.[1] ?? ''
    this.output.facts([
      ['code', error.code],
      ['message', error.message],
      ['hint', error.hint],
      ['exit', String(error.exit), `${error.exit} (${meaning})`],
      ['http', String(error.http)],
      ['retryable', String(error.retryable), error.retryable ? 'yes, the same may succeed later' : 'no'],
    ])
    return { error }
  }
}

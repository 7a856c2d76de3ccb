import { boolean } from '@oclif/core/flags'
import type { ConfigProblem } from '../../daemon/config/load.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES } from '../_cli/exit-codes.js'
import type { ListColumn } from '../_cli/output.js'

const INVALID = 15

const COLUMNS: readonly ListColumn<ConfigProblem>[] = [
  { key: 'severity', header: 'SEVERITY', plain: problem => problem.severity },
  { key: 'message', header: 'PROBLEM', plain: problem => problem.message },
]

export default class ConfigCheck extends BaseCommand {
  static override summary = 'check the configuration'
  static override description =
    'Checks the file and the environment, and says everything that is wrong. Unknown keys are warnings; with --strict they are errors. Ends with exit code 15 when there is an error.'
  static override examples = [
    '<%= config.bin %> config check',
    '<%= config.bin %> config check --strict --config kefu.yaml',
  ]
  static override flags = { strict: boolean({ summary: 'unknown keys and variables are errors' }) }
  static override exitCodes = [...COMMON_EXIT_CODES, 15 as const]

  async run(): Promise<object> {
    const { flags } = await this.parse(ConfigCheck)
    const { readConfig } = await import('../../daemon/config/load.js')
    const file = this.dirs.configFile
    const reading = await readConfig({ flags: new Map(), environment: process.env, file })
    const problems = reading.problems.map(
      (problem): ConfigProblem => (flags.strict ? { ...problem, severity: 'error' } : problem),
    )
    const valid = problems.every(problem => problem.severity !== 'error')
    if (!valid) process.exitCode = INVALID
    await this.output.list(COLUMNS, problems)
    if (valid) this.output.line(`The configuration is valid (${file}).`)
    else this.output.note('Next: kefu config set KEY VALUE, or edit the file')
    return { valid, file, problems }
  }
}

import { boolean } from '@oclif/core/flags'
import type { ConfigProblem, ConfigSources } from '../../daemon/config/load.js'
import { isKefuError } from '../../errors.js'
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
    'Checks the file and the environment, and says everything that is wrong. Unknown keys and a named file that is not there are warnings; with --strict they are errors. Ends with exit code 15 when there is an error.'
  static override examples = [
    '<%= config.bin %> config check',
    '<%= config.bin %> config check --strict --config kefu.yaml',
  ]
  static override flags = { strict: boolean({ summary: 'warnings are errors, too' }) }
  static override exitCodes = [...COMMON_EXIT_CODES, 15 as const]

  async run(): Promise<object> {
    const { flags } = await this.parse(ConfigCheck)
    const file = this.dirs.configFile
    const found = await problemsOf(this.configSources())
    const problems = found.map((problem): ConfigProblem => (flags.strict ? { ...problem, severity: 'error' } : problem))
    const valid = problems.every(problem => problem.severity !== 'error')
    if (!valid) process.exitCode = INVALID
    await this.output.list(COLUMNS, problems)
    if (valid) this.output.line(`The configuration is valid (${file}).`)
    else this.output.note('Next: kefu config set KEY VALUE, or edit the file')
    return { valid, file, problems }
  }
}

/** What is wrong with the file and the environment; a file that cannot be read at all is one problem. */
async function problemsOf(sources: ConfigSources): Promise<readonly ConfigProblem[]> {
  const { readConfig } = await import('../../daemon/config/load.js')
  try {
    return (await readConfig(sources)).problems
  } catch (error) {
    if (!isKefuError(error, 'KEFU_CONFIG_INVALID')) throw error
    const message = String(error.detail.reason)
    return [{ severity: 'error', code: 'KEFU_CONFIG_INVALID', key: '', where: sources.file, message }]
  }
}

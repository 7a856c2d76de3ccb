import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import type { Fact } from '../_cli/output.js'

export default class DaemonReload extends BaseCommand {
  static override summary = 'let the daemon read its configuration again'
  static override description =
    'Settings that can change while the daemon runs hold from then on, for what comes next; the others are named, and wait for a restart. ' +
    'The flags and variables that the daemon was started with stay stronger than the file. A configuration that is not valid changes nothing: the daemon goes on with the one it has.'
  static override examples = ['<%= config.bin %> daemon reload', '<%= config.bin %> daemon reload --json']
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 15 as const]

  async run(): Promise<object> {
    await this.parse(DaemonReload)
    const control = await this.control()
    const { applied, needsRestart, warnings } = await control.call('daemon.reload', {})
    const { output } = this
    const changed = applied.length > 0
    output.line(
      changed
        ? `Reloaded the daemon of ${this.dirs.home}.`
        : `Nothing to take over for the daemon of ${this.dirs.home}.`,
    )
    output.facts([
      ['result', changed ? 'changed' : 'unchanged'],
      ...applied.map(({ key, from, to }): Fact => ['applied', `${key} ${from} ${to}`, `${key}  ${from} → ${to}`]),
      ...needsRestart.map(
        ({ key, from, to }): Fact => ['needs restart', `${key} ${from} ${to}`, `${key}  ${from} → ${to}`],
      ),
    ])
    for (const warning of warnings) output.warn(warning)
    output.note(needsRestart.length > 0 ? 'Next: kefu daemon restart' : 'Next: kefu status')
    return { changed, home: this.dirs.home, applied, needsRestart }
  }
}

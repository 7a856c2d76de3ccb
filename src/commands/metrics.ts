import { formatMetrics } from '../daemon/control/metrics-text.js'
import { BaseCommand } from './_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from './_cli/exit-codes.js'

export default class Metrics extends BaseCommand {
  static override summary = 'tell Prometheus what the daemon has done and holds now'
  static override description =
    'Writes a reading of everything that is measured, in the text format of Prometheus: for a collector that takes it from a file or a command. With --json, as one object. ' +
    'kefu top is for people. What there is: docs/operations.md.'
  static override examples = [
    '<%= config.bin %> metrics',
    '<%= config.bin %> metrics >kefu.prom.new && mv kefu.prom.new kefu.prom',
  ]
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES]

  async run(): Promise<object> {
    await this.parse(Metrics)
    const control = await this.control()
    const reading = await control.call('metrics.show', {})
    this.output.raw(formatMetrics(reading))
    return reading
  }
}

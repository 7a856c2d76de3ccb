import { CONTROL_PROTOCOL } from '../daemon/control/protocol.js'
import { BaseCommand } from './_cli/base-command.js'
import { COMMON_EXIT_CODES } from './_cli/exit-codes.js'

export default class Version extends BaseCommand {
  static override summary = 'show the version of kefu and of what it runs on'
  static override description = 'The version of a running daemon is in kefu daemon status.'
  static override examples = ['<%= config.bin %> version', '<%= config.bin %> version --json']
  static override exitCodes = COMMON_EXIT_CODES

  async run(): Promise<object> {
    await this.parse(Version)
    const { name, version } = this.config
    const { platform, arch, version: node } = process
    this.output.raw(`${name}/${version} ${platform}-${arch} node-${node}\n`)
    return { version, node, platform, arch, controlProtocol: CONTROL_PROTOCOL }
  }
}

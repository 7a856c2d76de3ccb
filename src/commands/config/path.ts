import { boolean } from '@oclif/core/flags'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES } from '../_cli/exit-codes.js'

export default class ConfigPath extends BaseCommand {
  static override summary = 'show where the configuration file is'
  static override description = 'The file need not exist. With --all every place of this daemon is shown.'
  static override examples = ['<%= config.bin %> config path', '<%= config.bin %> config path --all']
  static override flags = { all: boolean({ summary: 'store, media, secret, log and socket, too' }) }
  static override exitCodes = COMMON_EXIT_CODES

  async run(): Promise<object> {
    const { flags } = await this.parse(ConfigPath)
    const { configFile, storeDir, mediaDir, auditDir, secretFile, logFile, socketPath } = this.dirs
    if (flags.all)
      this.output.facts([
        ['config', configFile],
        ['store', storeDir],
        ['media', mediaDir],
        ['audit', auditDir],
        ['secret', secretFile],
        ['log', logFile],
        ['socket', socketPath],
      ])
    else this.output.raw(`${configFile}\n`)
    return {
      config: configFile,
      store: storeDir,
      media: mediaDir,
      audit: auditDir,
      secret: secretFile,
      log: logFile,
      socket: socketPath,
    }
  }
}

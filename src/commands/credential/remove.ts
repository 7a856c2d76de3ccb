import { boolean } from '@oclif/core/flags'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { CredentialCommand, NAME, OWNER } from './_credential/credential-command.js'

export default class CredentialRemove extends CredentialCommand {
  static override summary = 'remove a credential of a channel'
  static override description =
    'Also one that cannot be read. The channel does without it from now on; a channel that is removed takes its credentials with it.'
  static override examples = [
    '<%= config.bin %> credential remove wechat-main app-secret',
    '<%= config.bin %> credential remove wechat-main app-secret --yes',
  ]
  static override args = { channel: OWNER, name: NAME }
  static override strict = false
  static override flags = { yes: boolean({ char: 'y', summary: 'do not ask' }) }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const, 130 as const]

  async run(): Promise<object> {
    const { args, argv, flags } = await this.parse(CredentialRemove)
    this.refuseMore(argv, 2)
    const { channel: owner, name } = args
    const control = await this.control()
    const isAgreed = await this.confirmRemoval('Remove this credential? Its value cannot be shown again.', flags.yes)
    if (!isAgreed) return { changed: false }
    const removed = await control.call('credential.remove', { owner, name })
    this.output.line(`Removed ${removed.name} of ${removed.owner}.`)
    this.output.facts([
      ['of', removed.owner],
      ['name', removed.name],
      ['result', 'removed'],
    ])
    this.output.note('Next: kefu credential list')
    return { ...removed, changed: true }
  }
}

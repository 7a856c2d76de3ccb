import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { SECRET_FLAGS } from '../_cli/secret-input.js'
import { CredentialCommand, NAME, OWNER } from './_credential/credential-command.js'
import { noteAfterSealing } from './_credential/next-step.js'
import { credentialFacts } from './_credential/views.js'

export default class CredentialSet extends CredentialCommand {
  static override summary = 'seal a credential of a channel, hook or bot'
  static override description =
    'The value is asked for without being shown, or comes from --stdin, --from-file or --from-command, never from the command line. It takes the place of the present one at once; ' +
    'kefu credential rotate tests it first and keeps the old one for a while. Up to 8,192 bytes without control characters but line feeds; the line feed at its end is left out. ' +
    'kefu channel kinds KIND says what form each of a channel has; the secret of a hook or bot is whsec_ and 24 to 64 random bytes in base64.'
  static override examples = [
    '<%= config.bin %> credential set wechat-main app-secret',
    "<%= config.bin %> credential set wechat-main token --from-command 'pass show wechat'",
    '<%= config.bin %> credential set shop inbound-secret --from-file inbound.secret',
    '<%= config.bin %> credential set shop token --stdin <token.txt',
    '<%= config.bin %> credential set hook/crm secret --from-file crm.secret',
  ]
  static override args = { channel: OWNER, name: NAME }
  static override strict = false
  static override flags = SECRET_FLAGS
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const, 14 as const, 130 as const]

  async run(): Promise<object> {
    const { args, argv, flags } = await this.parse(CredentialSet)
    this.refuseMore(argv, 2)
    const { channel: owner, name } = args
    const value = await this.secret('the value', flags)
    const control = await this.control()
    const answer = await control.call('credential.set', { owner, name, value })
    const { credential, changed } = answer
    const of = `${credential.name} of ${credential.owner}`
    this.output.line(changed ? `Sealed ${of}.` : `${of} is this already: unchanged.`)
    this.output.facts([...credentialFacts(credential), ['result', changed ? 'set' : 'unchanged']])
    await noteAfterSealing(this.output, control, credential.owner)
    return answer
  }
}

import { CHECK_ANSWER_MS } from '../../daemon/control/channel-vocabulary.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { SECRET_FLAGS } from '../_cli/secret-input.js'
import { CredentialCommand, keepFlag, NAME, OWNER } from './_credential/credential-command.js'
import { credentialFacts } from './_credential/views.js'

const DAY_MS = 24 * 3_600_000

export default class CredentialRotate extends CredentialCommand {
  static override summary = 'put another value in the place of a credential, once it has proved to work'
  static override description =
    'The new value is tested with the platform by itself, while the present one is at work; only if that goes well it takes its place. The old one counts for --keep longer, so that what the platform ' +
    'has signed with it is still believed; 0s forgets it at once. When the test fails nothing has changed.'
  static override examples = [
    '<%= config.bin %> credential rotate wechat-main app-secret',
    '<%= config.bin %> credential rotate wechat-main token --keep 12h --stdin <token.txt',
  ]
  static override args = { channel: OWNER, name: NAME }
  static override strict = false
  static override flags = {
    ...SECRET_FLAGS,
    keep: keepFlag({ summary: 'how long the old value still counts (24h)' }),
  }
  static override exitCodes = [
    ...COMMON_EXIT_CODES,
    ...DAEMON_EXIT_CODES,
    13 as const,
    14 as const,
    16 as const,
    130 as const,
  ]

  async run(): Promise<object> {
    const { args, argv, flags } = await this.parse(CredentialRotate)
    this.refuseMore(argv, 2)
    const { channel: owner, name } = args
    const { keep: keepMs = DAY_MS } = flags
    const value = await this.secret('the new value', flags)
    const control = await this.control()
    const timeoutMs = this.timeoutMs(CHECK_ANSWER_MS)
    const answer = await control.call('credential.rotate', { owner, name, value, keepMs }, { timeoutMs })
    const { credential, changed } = answer
    const of = `${credential.name} of ${credential.owner}`
    this.output.line(changed ? `Rotated ${of}.` : `${of} is this already: unchanged.`)
    this.output.facts([...credentialFacts(credential), ['result', changed ? 'rotated' : 'unchanged']])
    this.output.note('Next: kefu credential list')
    return answer
  }
}

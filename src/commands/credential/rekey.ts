import { option } from '@oclif/core/flags'
import { MASTER_KEY_KINDS } from '../../daemon/control/credential-vocabulary.js'
import { KefuError } from '../../errors.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { SECRET_FLAGS } from '../_cli/secret-input.js'
import { wordsOfCount } from '../_cli/words.js'
import { CredentialCommand } from './_credential/credential-command.js'

const REKEY_TIMEOUT_MS = 60_000

export default class CredentialRekey extends CredentialCommand {
  static override summary = 'seal every credential anew under another master key'
  static override description =
    'The next key is a new key file, the credential kefu-vault-key of systemd, or a passphrase, which is asked for or comes from --stdin, --from-file or --from-command. Without --to it comes ' +
    'from where the present one does. A crash in between loses nothing: the next start goes on. What vault.key says has to fit at the next start; the answer says when it does not.'
  static override examples = [
    '<%= config.bin %> credential rekey',
    '<%= config.bin %> credential rekey --to systemd',
    '<%= config.bin %> credential rekey --to passphrase',
  ]
  static override strict = false
  static override flags = {
    ...SECRET_FLAGS,
    to: option({
      options: MASTER_KEY_KINDS,
      helpValue: 'KIND',
      summary: 'where the next key comes from: file, systemd, passphrase',
    })(),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 16 as const, 130 as const]

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(CredentialRekey)
    this.refuseMore(argv, 0)
    const control = await this.control()
    const to = flags.to ?? (await control.call('credential.list', { limit: 1 })).key?.kind
    const isGiven = flags.stdin || flags['from-file'] !== undefined || flags['from-command'] !== undefined
    if (isGiven && to !== 'passphrase')
      throw new KefuError('KEFU_USAGE', {
        reason: 'only --to passphrase takes something: other keys come from their own places',
      })
    const passphrase =
      to === 'passphrase' ? { passphrase: await this.secret('the next passphrase', flags, { isTwice: true }) } : {}
    const request = { ...(to === undefined ? {} : { to }), ...passphrase }
    const answer = await control.call('credential.rekey', request, { timeoutMs: this.timeoutMs(REKEY_TIMEOUT_MS) })
    const { key, before, sealed, configured } = answer
    this.output.line(`Sealed ${wordsOfCount(sealed, 'credential')} under another master key.`)
    this.output.facts([
      ['key', `${key.kind} ${key.id}`],
      ...(before === undefined ? [] : ([['key before', `${before.kind} ${before.id}`]] as const)),
      ['sealed', String(sealed)],
    ])
    if (key.kind !== configured)
      this.output.warn(`vault.key is ${configured}: before the next start run kefu config set vault.key ${key.kind}`)
    this.output.note(
      key.kind === 'file'
        ? `Next: back up ${this.dirs.masterKeyFile}, apart from the data`
        : 'Next: kefu credential list',
    )
    return answer
  }
}

import { string as argument } from '@oclif/core/args'
import { option } from '@oclif/core/flags'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { chosenColumns, LIST_FLAGS, noteNext } from '../_cli/listing.js'
import { CredentialCommand } from './_credential/credential-command.js'
import { CREDENTIAL_COLUMNS } from './_credential/views.js'

export default class CredentialList extends CredentialCommand {
  static override summary = 'list the credentials, without their values'
  static override description =
    'A digest is the same at two places for the same value, as long as the master key stays. Credentials that cannot be read are named with the reason; set them again or remove them.'
  static override examples = [
    '<%= config.bin %> credential list',
    '<%= config.bin %> credential list wechat-main',
    "<%= config.bin %> credential list --json | jq '.credentials[] | select(.problem)'",
  ]
  static override args = { channel: argument({ ignoreStdin: true, description: 'only of this channel' }) }
  static override strict = false
  static override flags = {
    ...LIST_FLAGS,
    sort: option({
      options: ['name', '-name', 'set', '-set'] as const,
      helpValue: 'ORDER',
      summary: 'name, set; -set for the latest first',
    })(),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const]

  async run(): Promise<object> {
    const { args, argv, flags } = await this.parse(CredentialList)
    this.refuseMore(argv, 1)
    const { channel: owner } = args
    const { limit, cursor, sort, fields } = flags
    const columns = chosenColumns(CREDENTIAL_COLUMNS, fields)
    const control = await this.control()
    const request = { limit, cursor, sort, ...(owner === undefined ? {} : { owner }) }
    const answer = await control.call('credential.list', request)
    await this.output.list(columns, answer.credentials)
    if (answer.credentials.length === 0)
      this.output.note('There are no credentials. Next: kefu credential set CHANNEL NAME')
    noteNext(this.output, answer.next)
    const unreadable = answer.credentials.filter(({ problem }) => problem !== undefined).length
    if (unreadable > 0) this.output.warn(`${unreadable} cannot be read: set or remove what the list names`)
    return answer
  }
}

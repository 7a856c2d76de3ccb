import { string as argument } from '@oclif/core/args'
import { CHANNEL_TABLES, type KindTable, type SettingRow } from '../../daemon/channels/tables.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES } from '../_cli/exit-codes.js'
import type { Fact, ListColumn } from '../_cli/output.js'

type Kind = { readonly kind: string; readonly title: string; readonly sends: string; readonly takes: string }

const TABLES: Readonly<Record<string, KindTable>> = CHANNEL_TABLES

const COLUMNS: readonly ListColumn<Kind>[] = [
  { key: 'kind', header: 'KIND', plain: ({ kind }) => kind },
  { key: 'title', header: 'PLATFORM', plain: ({ title }) => title, isFlexible: true },
  { key: 'sends', header: 'CONTACTS SEND', plain: ({ sends }) => sends, isFlexible: true },
  { key: 'takes', header: 'AGENTS SEND', plain: ({ takes }) => takes, isFlexible: true },
]

export default class ChannelKinds extends BaseCommand {
  static override summary = 'list the kinds of channels, or the settings and credentials of one'
  static override description =
    'What each platform can do, and what it has to be told. Needs no daemon. How to set a platform up, step by step: docs/channels.'
  static override examples = ['<%= config.bin %> channel kinds', '<%= config.bin %> channel kinds wechat-mp']
  static override args = {
    kind: argument({ ignoreStdin: true, options: Object.keys(TABLES), description: 'kind of channel' }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES]

  async run(): Promise<object> {
    const { args } = await this.parse(ChannelKinds)
    const table = args.kind === undefined ? undefined : TABLES[args.kind]
    if (table !== undefined) {
      this.output.facts(factsOf(table))
      this.output.note(`Next: kefu channel add ${table.kind} NAME`)
      return describe(table)
    }
    const direct: Kind[] = [
      { kind: 'web', title: 'web page', sends: 'everything', takes: 'everything' },
      { kind: 'app', title: 'app server', sends: 'everything', takes: 'everything' },
    ]
    const kinds = [...direct, ...Object.values(TABLES).map(kindOf)]
    await this.output.list(COLUMNS, kinds)
    this.output.note('Next: kefu channel kinds KIND')
    return { kinds: Object.values(TABLES).map(describe) }
  }
}

function kindOf({ kind, title, capabilities }: KindTable): Kind {
  const { inbound, outbound } = capabilities
  return { kind, title: `${title.zh} ${title.en}`, sends: inbound.join(' '), takes: outbound.join(' ') }
}

function factsOf(table: KindTable): Fact[] {
  const { kind, title, settings, credentials, capabilities } = table
  const { inbound, outbound, text, grants } = capabilities
  return [
    ['kind', kind],
    ['platform', `${title.zh} ${title.en}`],
    ['contacts send', inbound.join(' ')],
    ['agents send', outbound.join(' ')],
    ['longest text', `${text.max} ${text.unit}`],
    ...Object.entries(grants).map(
      ([act, { messages, windowMs }]): Fact => [`after ${act}`, `${messages} messages in ${windowMs / 1000} s`],
    ),
    ...Object.entries(settings).map(([name, row]): Fact => [`setting ${name}`, settingText(row)]),
    ...Object.entries(credentials).map(
      ([name, row]): Fact => [`credential ${name}`, row.isRequired ? `${row.summary} (required)` : row.summary],
    ),
  ]
}

function settingText(row: SettingRow): string {
  const note = row.isRequired ? 'required' : row.default === undefined ? undefined : `default ${row.default}`
  return note === undefined ? row.summary : `${row.summary} (${note})`
}

/** The table as plain data. */
function describe({ kind, title, settings, credentials, capabilities }: KindTable): object {
  const plain = ([name, row]: readonly [string, object]) => {
    const { pattern: _, ...fields } = row as { readonly pattern?: RegExp }
    return { name, ...fields }
  }
  return {
    kind,
    title,
    settings: Object.entries(settings).map(plain),
    credentials: Object.entries(credentials).map(plain),
    capabilities,
  }
}

import { string as argument } from '@oclif/core/args'
import { CHANNEL_TABLES, type KindTable, type SettingRow } from '../../daemon/channels/tables.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { KINDS } from '../_cli/kinds.js'
import type { Fact, ListColumn } from '../_cli/output.js'

type Kind = { readonly kind: string; readonly title: string; readonly sends: string; readonly takes: string }

const TABLES: Readonly<Record<string, KindTable>> = CHANNEL_TABLES
/** Kinds with no platform behind them: their contacts write to kefu itself. */
const DIRECT: Readonly<Record<string, KindTable['title']>> = {
  web: { zh: '网页', en: 'web page' },
  app: { zh: 'App 服务器', en: 'app server' },
}
const EVERYTHING = 'everything'

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
    kind: argument({ ignoreStdin: true, options: [...KINDS], description: 'kind of channel' }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES]

  async run(): Promise<object> {
    const { args } = await this.parse(ChannelKinds)
    if (args.kind !== undefined) {
      this.output.facts(factsOf(args.kind))
      this.output.note(`Next: kefu channel add ${args.kind} NAME`)
      return describe(args.kind)
    }
    await this.output.list(COLUMNS, KINDS.map(kindOf))
    this.output.note('Next: kefu channel kinds KIND')
    return { kinds: KINDS.map(describe) }
  }
}

function titleOf(kind: string): KindTable['title'] {
  return TABLES[kind]?.title ?? DIRECT[kind]!
}

function kindOf(kind: string): Kind {
  const { zh, en } = titleOf(kind)
  const { inbound, outbound } = TABLES[kind]?.capabilities ?? {}
  return {
    kind,
    title: `${zh} ${en}`,
    sends: inbound?.join(' ') ?? EVERYTHING,
    takes: outbound?.join(' ') ?? EVERYTHING,
  }
}

function factsOf(name: string): Fact[] {
  const { kind, title, sends, takes } = kindOf(name)
  const known: Fact[] = [
    ['kind', kind],
    ['platform', title],
    ['contacts send', sends],
    ['agents send', takes],
  ]
  const table = TABLES[name]
  if (table === undefined) return known
  const { settings, credentials, capabilities } = table
  const { text, grants } = capabilities
  return [
    ...known,
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

/** The table as plain data. What has no platform takes everything, and has no settings of its own. */
function describe(kind: string): object {
  const title = titleOf(kind)
  const table = TABLES[kind]
  if (table === undefined) return { kind, title, settings: [], credentials: [] }
  const { settings, credentials, capabilities } = table
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

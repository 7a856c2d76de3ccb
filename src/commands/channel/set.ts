import { string as argument } from '@oclif/core/args'
import { boolean, string } from '@oclif/core/flags'
import { REPLY_OCCASIONS, type ReplyOccasion } from '../../codec/wire.js'
import { RETENTION_KINDS, type RetentionKind } from '../../daemon/control/channel-vocabulary.js'
import type { RequestOf } from '../../daemon/control/client.js'
import { KefuError } from '../../errors.js'
import { suggestion } from '../../nearest.js'
import { BaseCommand } from '../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../_cli/exit-codes.js'
import { given, isEmpty } from '../_cli/given.js'
import { durationFlag } from '../_cli/global-flags.js'
import { channelFacts } from '../_cli/views.js'
import { noteNextStep, platformFacts } from './_channel/platform.js'
import { SET_FLAG, settingsOf } from './_channel/settings.js'

const OCCASIONS = Object.keys(REPLY_OCCASIONS) as ReplyOccasion[]

const RETAINED = Object.keys(RETENTION_KINDS) as RetentionKind[]
const RETENTION_WORDS = RETAINED.join(', ')

export default class ChannelSet extends BaseCommand {
  static override summary = 'change the settings, origins, team, bot or replies of a channel'
  static override description =
    'The origins given replace those that the channel had. Its number, its visitors and their conversations stay. ' +
    'A bot is an agent with the role bot: while it is connected it gets what is new, until it hands over. ' +
    'Another team is for new conversations; those that were sent to a team before stay with it until they are closed. ' +
    `Replies are said on these occasions: ${OCCASIONS.join(', ')}; in the contact's language, else in that of the channel.`
  static override examples = [
    '<%= config.bin %> channel set shop --origin https://a.example --origin https://b.example',
    '<%= config.bin %> channel set shop --no-origin',
    '<%= config.bin %> channel set shop --team refunds',
    '<%= config.bin %> channel set wechat-main --set mode=safe --unset base-url',
    '<%= config.bin %> channel set shop --language zh --reply welcome:zh=您好，请问有什么可以帮您？',
    '<%= config.bin %> channel set shop --idle-warning 5m --idle-close 10m',
    '<%= config.bin %> channel set shop --retain text=365d,media=90d',
  ]
  static override args = { name: argument({ required: true, ignoreStdin: true, description: 'name of the channel' }) }
  static override flags = {
    origin: string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'URL',
      summary: 'page origin that may connect (web; may be given more than once)',
    }),
    'no-origin': boolean({ summary: 'no page may connect, only programs', exclusive: ['origin'] }),
    set: SET_FLAG,
    unset: string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'NAME',
      summary: 'a setting that takes its default again (may be given more than once)',
    }),
    team: string({ helpValue: 'TEAM', summary: 'team that its conversations go to' }),
    'no-team': boolean({ summary: 'its conversations go to whoever is free', exclusive: ['team'] }),
    bot: string({ helpValue: 'AGENT', summary: 'bot that answers what is new first' }),
    'no-bot': boolean({ summary: 'people answer from the beginning', exclusive: ['bot'] }),
    language: string({ helpValue: 'TAG', summary: 'language of contacts of whom none is known' }),
    reply: string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'OCCASION:TAG=TEXT',
      summary: 'what is said by itself, in a language (may be given more than once)',
    }),
    'no-reply': string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'OCCASION:TAG',
      summary: 'nothing is said there any more',
    }),
    'idle-warning': durationFlag({ helpValue: '5m', summary: 'silence after which the contact is warned' }),
    'idle-close': durationFlag({ helpValue: '10m', summary: 'silence after which a conversation is closed' }),
    retain: string({
      helpValue: 'KIND=DAYS',
      summary: `for how long it keeps ${RETENTION_WORDS}: text=365d,media=90d, or =forever`,
    }),
    'no-idle': boolean({ summary: 'silence closes nothing', exclusive: ['idle-warning', 'idle-close'] }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const]

  async run(): Promise<object> {
    const { args, flags } = await this.parse(ChannelSet)
    const change = given<Omit<RequestOf<'channel.set'>, 'name'>>({
      origins: flags['no-origin'] ? [] : flags.origin,
      settings: changesOf(flags.set, flags.unset),
      team: flags['no-team'] ? null : flags.team,
      bot: flags['no-bot'] ? null : flags.bot,
      language: flags.language,
      replies: repliesOf(flags.reply, flags['no-reply']),
      retain: retentionOf(flags.retain),
      idle: flags['no-idle'] ? null : idleOf(flags['idle-warning'], flags['idle-close']),
    })
    if (isEmpty(change))
      throw new KefuError('KEFU_USAGE', {
        reason: 'there is nothing to change: give a flag (--help lists them)',
      })
    const control = await this.control()
    const answer = await control.call('channel.set', { name: args.name, ...change })
    const { channel, changed, platform } = answer
    this.output.line(changed ? `Changed channel ${channel.name}.` : `Channel ${channel.name} is unchanged.`)
    const behind = platform === undefined ? [] : platformFacts(platform)
    this.output.facts([...channelFacts(channel), ...behind, ['result', changed ? 'changed' : 'unchanged']])
    if (platform === undefined) this.output.note(`Next: kefu channel show ${channel.name}`)
    else noteNextStep(this.output, channel.name, platform)
    return answer
  }
}

function changesOf(
  set: readonly string[] | undefined,
  unset: readonly string[] | undefined,
): Record<string, string | null> | undefined {
  if (set === undefined && unset === undefined) return undefined
  return { ...Object.fromEntries((unset ?? []).map(name => [name, null])), ...settingsOf(set) }
}

type ReplyChange = NonNullable<RequestOf<'channel.set'>['replies']>[number]

function repliesOf(texts: readonly string[] = [], removed: readonly string[] = []): ReplyChange[] | undefined {
  if (texts.length + removed.length === 0) return undefined
  const said = texts.map(given => {
    const at = given.indexOf('=')
    if (at < 0) throw new KefuError('KEFU_USAGE', { reason: '--reply needs OCCASION:TAG=TEXT' })
    return { ...occasionOf('--reply', given.slice(0, at)), text: given.slice(at + 1) }
  })
  return [...said, ...removed.map(given => ({ ...occasionOf('--no-reply', given), text: null }))]
}

function occasionOf(flag: string, text: string): Omit<ReplyChange, 'text'> {
  const [word = '', language] = text.split(':')
  const occasion = OCCASIONS.find(known => known === word)
  if (occasion === undefined || language === undefined)
    throw new KefuError('KEFU_USAGE', {
      reason: `${flag} begins with OCCASION:TAG, such as welcome:zh; occasions are ${OCCASIONS.join(', ')}${suggestion(word, OCCASIONS)}`,
    })
  return { occasion, language }
}

function retentionOf(text: string | undefined): RequestOf<'channel.set'>['retain'] {
  if (text === undefined) return undefined
  const entries = text.split(',').map(given => {
    const [, word = '', days] = /^([a-z]+)=(?:([0-9]{1,6})d|forever)$/.exec(given) ?? []
    const kind = RETAINED.find(known => known === word)
    if (kind !== undefined) return [kind, days === undefined ? null : Number(days)] as const
    throw new KefuError('KEFU_USAGE', {
      reason: `--retain names kinds and days, such as text=365d,media=forever; kinds are ${RETENTION_WORDS}`,
    })
  })
  return Object.fromEntries(entries)
}

function idleOf(warnAfterMs: number | undefined, closeAfterMs: number | undefined) {
  if (warnAfterMs === undefined && closeAfterMs === undefined) return undefined
  return given({ warnAfterMs, closeAfterMs })
}

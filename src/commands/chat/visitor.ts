import { join } from 'node:path'
import { boolean, string } from '@oclif/core/flags'
import type { DoneBody, QueueBody, ReadBody, RecordEvent, Visitor } from '../../client/index.js'
import type { ChannelView } from '../../daemon/control/client.js'
import { isKefuError, KefuError, toKefuError } from '../../errors.js'
import { wordsOfCount, wordsOfDuration } from '../_cli/words.js'
import { type Action, type LineResult, runChat } from './_chat/chat.js'
import { CHAT_FLAGS, ChatCommand, type ChatStreams } from './_chat/chat-command.js'
import { emulatorOf, runEmulatedChat } from './_chat/emulated-chat.js'
import { MarkLine, wordsOfMark } from './_chat/mark-line.js'
import { Progress } from './_chat/progress.js'
import { describeRecord } from './_chat/record-text.js'
import { safeText } from './_chat/safe-text.js'
import { isSlash, parseSlash, plainText, slashHelp, unknownSlash } from './_chat/slash.js'
import { EMULATED_SLASHES, parseRating, VISITOR_SLASHES } from './_chat/slashes.js'
import { visitorTokens } from './_chat/visitor-tokens.js'

const HELP = 'Type a line to send it. /help shows the commands, /quit ends, // sends a line that begins with /.'
/** Earlier records that a person gets to see at the start. */
const BACKLOG = 50

type EmulatedFlags = {
  readonly user?: string | undefined
  readonly name?: string | undefined
  readonly language?: string | undefined
  readonly new: boolean
  readonly wait?: number | undefined
  readonly for?: number | undefined
}

export default class ChatVisitor extends ChatCommand {
  static override summary = 'write to a channel as a visitor, or as a user of its emulated platform'
  static override description =
    'Shows the conversation and sends each line that is typed. The visitor is kept, so that the next start goes on with the same conversation. ' +
    'Lines that are piped in are sent as well; the command ends when all are acknowledged. With --json it writes one JSON object per line.\n\n' +
    'With a channel of a platform the lines are said by a user of the emulator behind it (kefu emulate), and what the daemon sends to that user is shown.\n\n' +
    `Lines that begin with / are commands, typed or piped:\n${slashHelp(VISITOR_SLASHES)}\n\nOn an emulated platform:\n${slashHelp(EMULATED_SLASHES)}\n\n` +
    'A line that begins with // is sent, with one of the slashes.'
  static override examples = [
    '<%= config.bin %> chat visitor --channel site',
    "echo 'Is the shop open on Sunday?' | <%= config.bin %> chat visitor --channel site --wait 1",
    "echo 'Open today?' | <%= config.bin %> chat visitor --channel emulated-wechat-mp",
    '<%= config.bin %> chat visitor --url https://chat.example --channel shop --new --name Li',
  ]
  static override flags = {
    ...CHAT_FLAGS,
    channel: string({ helpValue: 'NAME', summary: 'channel; needed when there is more than one of the web' }),
    user: string({ helpValue: 'ID', summary: 'who writes on an emulated platform; visitor when not given' }),
    name: string({ helpValue: 'NAME', summary: 'display name' }),
    language: string({ helpValue: 'TAG', summary: 'language, such as zh or pt-BR' }),
    new: boolean({ summary: 'be a new visitor, and forget the one before' }),
  }

  readonly #progress = new Progress()
  readonly #marks = new MarkLine()
  readonly #idPrefix = `t-${Date.now().toString(36)}`
  #idCount = 0
  #visitor!: Visitor
  #streams!: ChatStreams
  /** Records that came before the earlier ones were shown. */
  #held: RecordEvent[] | undefined = []

  async run(): Promise<void> {
    const { flags } = await this.parse(ChatVisitor)
    const platform = flags.url === undefined ? await this.#platformChannel(flags.channel) : undefined
    if (platform !== undefined) return this.#emulated(platform, flags)
    if (flags.user !== undefined) throw new KefuError('KEFU_USAGE', { reason: '--user is for channels of a platform' })
    const url = await this.serverUrl(flags.url)
    const channel = flags.channel ?? (await this.#onlyChannel(flags.url))
    const { createVisitor } = await import('../../client/index.js')
    const visitor = createVisitor({
      url,
      channel,
      tokens: visitorTokens(join(this.dirs.stateDir, 'chat'), url, channel, flags.new),
      // Only what is new is followed; a person gets some of what was before.
      after: Number.MAX_SAFE_INTEGER,
      client: this.clientName,
      ...(flags.name !== undefined && { name: flags.name }),
      ...(flags.language !== undefined && { language: flags.language }),
    })
    this.#visitor = visitor
    this.#streams = this.openStreams('> ')
    const { screen, lines, signal } = this.#streams
    visitor.on('record', event => {
      if (this.#held === undefined) this.#show(event)
      else this.#held.push(event)
    })
    for (const name of ['delivered', 'read'] as const) visitor.on(name, body => this.#marked(name, body))
    for (const name of ['typing', 'presence', 'queue'] as const)
      visitor.on(name, body => screen.event({ type: name, ...body }))
    visitor.on('queue', place => screen.note(wordsOfPlace(place)))
    try {
      await runChat({
        client: visitor,
        screen,
        lines,
        line: text => this.#line(text),
        started: () => this.#start(),
        waitCount: flags.wait,
        forMs: flags.for,
        progress: this.#progress,
        timeoutMs: this.timeoutMs(),
        signal,
      })
    } catch (error) {
      if (isKefuError(error, 'KEFU_UNAUTHORISED') && !flags.new)
        screen.note('The server does not know this visitor any more: add --new to start anew.')
      throw error
    } finally {
      this.#streams.close()
    }
  }

  /** The named channel, when its contacts write on a platform. */
  async #platformChannel(name: string | undefined): Promise<ChannelView | undefined> {
    if (name === undefined) return undefined
    try {
      const { channel } = await (await this.control()).call('channel.show', { name })
      return channel.kind === 'web' || channel.kind === 'app' ? undefined : channel
    } catch (error) {
      // Whoever is connected to says it.
      if (isKefuError(error, 'KEFU_CHANNEL_NOT_FOUND')) return undefined
      throw error
    }
  }

  async #emulated(channel: ChannelView, flags: EmulatedFlags): Promise<void> {
    if (flags.name !== undefined || flags.language !== undefined || flags.new)
      throw new KefuError('KEFU_USAGE', {
        reason: 'on a platform there is no --name, --language and --new: --user says who writes',
      })
    const baseUrl = emulatorOf(channel)
    const streams = this.openStreams('> ')
    try {
      await runEmulatedChat({
        ...{ channel: channel.name, kind: channel.kind, baseUrl, user: flags.user ?? 'visitor', streams },
        ...{ waitCount: flags.wait, forMs: flags.for, timeoutMs: this.timeoutMs() },
      })
    } finally {
      streams.close()
    }
  }

  async #start(): Promise<void> {
    const { screen, reader } = this.#streams
    const { known } = this.#visitor
    if (reader !== undefined && known > 0) await this.#showEarlier(known)
    const held = this.#held ?? []
    this.#held = undefined
    for (const event of held) this.#show(event)
    if (reader === undefined) return
    screen.note(HELP)
    reader.prompt()
  }

  async #showEarlier(known: number): Promise<void> {
    try {
      const { conversation, records } = await this.#visitor.history({ before: known + 1, limit: BACKLOG })
      for (const { n, at, record } of records) {
        const own = record.by?.role === 'contact'
        this.#row({ conversation, channel: 0, contact: undefined, n, at, record, own })
      }
    } catch (error) {
      // The conversation goes on without what was before.
      this.#streams.screen.note(`The earlier messages cannot be shown: ${toKefuError(error).message}.`)
    }
  }

  #show(event: RecordEvent): void {
    const { record, own, n } = event
    // What was typed here stands on the screen already.
    const isTyped = this.#progress.saw(own, record.id)
    const { reader } = this.#streams
    if (!isTyped || reader === undefined) this.#row(event)
    if (record.type !== 'message') return
    if (own) {
      this.#marks.sent(n)
      return
    }
    if (record.by?.role === 'agent') this.#marks.answered()
    if (reader !== undefined) this.#visitor.read(n)
    this.#progress.got()
  }

  #marked(kind: 'delivered' | 'read', body: ReadBody): void {
    const { screen } = this.#streams
    screen.event({ type: kind, ...body })
    const { by, n } = body
    const who = by.name === undefined ? undefined : safeText(by.name)
    if (this.#marks.isNews(kind, n)) screen.note(wordsOfMark(kind, who, screen.isInteractive))
  }

  #row(event: RecordEvent): void {
    const text = describeRecord(event, { contact: 'you', rating: '/rate 5 tells how it was' })
    if (text !== undefined) this.#streams.screen.row({ event, text, mark: undefined, hasConversation: false })
  }

  #line(text: string): LineResult {
    if (isSlash(text)) return this.#command(text)
    const id = `${this.#idPrefix}-${++this.#idCount}`
    return this.#progress.follow(id, this.#visitor.send(plainText(text), { id }))
  }

  #command(line: string): LineResult {
    const { screen } = this.#streams
    try {
      const parsed = parseSlash(line, VISITOR_SLASHES)
      if (parsed === undefined) screen.note(unknownSlash(line, VISITOR_SLASHES))
      else if (parsed.name === 'quit') return 'quit'
      else if (parsed.name === 'end') return this.#action('close', () => this.#visitor.closeConversation())
      else if (parsed.name === 'help') screen.note(slashHelp(VISITOR_SLASHES))
      else {
        const { score, comment } = parseRating(parsed.rest)
        return this.#action('rate', () => this.#visitor.rate(score, comment))
      }
    } catch (error) {
      return { run: () => Promise.reject(error) }
    }
    return 'done'
  }

  #action(name: string, ask: () => Promise<DoneBody>): Action {
    const { screen } = this.#streams
    return {
      async run() {
        const { conversation, n, changed } = await ask()
        screen.event({ type: 'done', do: name, conversation, n, changed })
        if (!changed) screen.note('It was so before.')
      },
    }
  }

  /** The web channel of this machine's daemon, when there is only one. */
  async #onlyChannel(url: string | undefined): Promise<string> {
    if (url === undefined) {
      const { channels } = await (await this.control()).call('channel.list', { limit: 100 })
      const [only, ...others] = channels.filter(({ kind }) => kind === 'web')
      if (only !== undefined && others.length === 0) return only.name
    }
    throw new KefuError('KEFU_USAGE', { reason: 'add --channel with the name of a web channel' })
  }
}

/** A place in line, as a person is told. */
function wordsOfPlace({ ahead, estimatedWaitMs }: QueueBody): string {
  const place = ahead === 0 ? 'You are next.' : `${wordsOfCount(ahead, 'contact')} before you.`
  return estimatedWaitMs === undefined ? place : `${place} About ${wordsOfDuration(estimatedWaitMs)}.`
}

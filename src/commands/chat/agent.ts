import { boolean, string } from '@oclif/core/flags'
import type { AgentClient, Command, Conversation, ConversationId, ReadBody, RecordEvent } from '../../client/index.js'
import { KefuError } from '../../errors.js'
import { askForToken, checkToken, tokenFromFile } from './_chat/agent-token.js'
import { type Action, type LineResult, runChat } from './_chat/chat.js'
import { CHAT_FLAGS, ChatCommand, type ChatStreams } from './_chat/chat-command.js'
import { ConversationList, type Listed, wordsOfUnread } from './_chat/conversations.js'
import { cannedReply, showCanned, showContact, showFound, showHistory } from './_chat/lookups.js'
import { wordsOfMark } from './_chat/mark-line.js'
import { Progress } from './_chat/progress.js'
import { describeRecord } from './_chat/record-text.js'
import { isSlash, misused, parseSlash, plainText, slashHelp, unknownSlash } from './_chat/slash.js'
import { AGENT_SLASHES, type AgentSlash, agentCommand } from './_chat/slashes.js'

const HELP =
  'Type a line to send it; // sends one that begins with /. /list shows the conversations, /1 goes to the first, /help shows all commands.'
/** How long the records of a command may take behind its answer. */
const SHOWN_TIMEOUT_MS = 3_000

export default class ChatAgent extends ChatCommand {
  static override summary = 'answer conversations as an agent'
  static override description =
    'Is online while it runs, and gets conversations assigned. Each line that is typed goes to the conversation on the screen; what comes in others is ' +
    'marked with their number. The token comes from --token-file, from the first line of standard input with --stdin, or is asked for. ' +
    'Lines that are piped in go to the first conversation that is there, or to --conversation. With --json it writes one JSON object per line.\n\n' +
    `Lines that begin with / are commands, typed or piped:\n${slashHelp(AGENT_SLASHES)}\n\nA line that begins with // is sent, with one of the slashes.`
  static override examples = [
    '<%= config.bin %> chat agent --token-file xiaowang.token',
    "echo 'Yes, until six.' | <%= config.bin %> chat agent --token-file xiaowang.token",
    "printf 'Good bye.\\n/close\\n' | <%= config.bin %> chat agent --token-file xiaowang.token",
    '<%= config.bin %> chat agent --token-file xiaowang.token --json --for 1h </dev/null',
  ]
  static override flags = {
    ...CHAT_FLAGS,
    'token-file': string({ exclusive: ['stdin'], helpValue: 'FILE', summary: 'file with the token of the agent' }),
    stdin: boolean({ summary: 'read the token from the first line of standard input' }),
    conversation: string({ helpValue: 'ID', summary: 'conversation that lines go to at first' }),
  }

  readonly #list = new ConversationList()
  readonly #progress = new Progress()
  readonly #idPrefix = `t-${Date.now().toString(36)}`
  #idCount = 0
  #agent!: AgentClient
  #streams!: ChatStreams
  #wanted: string | undefined
  /** A conversation that was asked for: it is shown when it comes. */
  #taken: string | undefined
  /** Those who wait for what the list is to say. */
  readonly #watchers = new Set<() => void>()

  async run(): Promise<void> {
    const { flags } = await this.parse(ChatAgent)
    this.#wanted = flags.conversation
    const url = await this.serverUrl(flags.url)
    const mayAsk = !flags['no-input'] && !process.env.KEFU_NO_INPUT
    const asked = flags['token-file'] === undefined && !flags.stdin ? await this.#ask(mayAsk) : undefined
    this.#streams = this.openStreams('> ')
    const { screen, reader, lines, signal } = this.#streams
    try {
      const token = asked ?? (await this.#readToken(flags['token-file']))
      const { createAgent } = await import('../../client/index.js')
      const agent = createAgent({ url, token, client: this.clientName })
      this.#agent = agent
      agent.on('assigned', conversation => this.#assigned(conversation))
      agent.on('unassigned', conversation => this.#unassigned(conversation))
      agent.on('record', event => this.#record(event))
      agent.on('unread', conversation => this.#counted(conversation))
      agent.on('typing', body => screen.event({ type: 'typing', ...body }))
      for (const name of ['delivered', 'read'] as const) agent.on(name, body => this.#marked(name, body))
      await runChat({
        client: agent,
        screen,
        lines,
        line: text => this.#line(text),
        started: () => {
          if (reader === undefined) return
          screen.note(`You are ${agent.agent?.name ?? 'online'}. ${HELP}`)
          reader.prompt()
        },
        waitCount: flags.wait,
        forMs: flags.for,
        progress: this.#progress,
        timeoutMs: this.timeoutMs(),
        signal,
      })
    } finally {
      this.#streams.close()
    }
  }

  async #ask(mayAsk: boolean): Promise<string> {
    if (process.stdin.isTTY !== true || !mayAsk)
      throw new KefuError('KEFU_INPUT_NEEDED', {
        question: "what is the agent's token?",
        flags: '--token-file FILE, or --stdin with the token in the first line',
      })
    return askForToken()
  }

  async #readToken(file: string | undefined): Promise<string> {
    if (file !== undefined) return tokenFromFile(file)
    const first = await this.#streams.lines[Symbol.asyncIterator]().next()
    return checkToken(first.done === true ? '' : first.value)
  }

  #assigned(found: Conversation): void {
    const { screen } = this.#streams
    const { conversation, contact, name, n } = found
    screen.event({
      type: 'assigned-to-you',
      conversation,
      ...(contact !== undefined && { contact }),
      ...(name !== undefined && { name }),
      n,
    })
    const listed = this.#list.assigned(found)
    if (screen.isInteractive) screen.note(`${listed.number} ${listed.contact} is yours`)
    const isWanted = this.#wanted === undefined || this.#wanted === conversation
    const isTaken = this.#taken === conversation
    if (isTaken) this.#taken = undefined
    if (isTaken || (this.#list.current === undefined && isWanted)) this.#show(listed)
  }

  #unassigned({ conversation }: Conversation): void {
    const { screen } = this.#streams
    const isCurrent = this.#list.current?.conversation === conversation
    const listed = this.#list.unassigned(conversation)
    screen.event({ type: 'not-yours', conversation })
    if (listed !== undefined && screen.isInteractive)
      screen.note(`${listed.number} ${listed.contact} is not yours any more`)
    if (isCurrent) this.#prompt()
    this.#changed()
  }

  #counted(found: Conversation): void {
    const { conversation, unread } = found
    this.#streams.screen.event({ type: 'unread', conversation, unread })
    this.#list.counted(found)
  }

  #marked(kind: 'delivered' | 'read', body: ReadBody): void {
    const { screen } = this.#streams
    screen.event({ type: kind, ...body })
    const listed = this.#list.get(body.conversation)
    if (listed !== undefined && listed === this.#list.current && listed.marks.isNews(kind, body.n))
      screen.note(wordsOfMark(kind, listed.contact, screen.isInteractive))
  }

  #record(event: RecordEvent): void {
    const { conversation, n, own, record } = event
    const listed = this.#list.get(conversation)
    if (listed === undefined) return
    this.#list.remember(listed, event)
    this.#changed()
    const isTyped = this.#progress.saw(own, record.id)
    const isNew = n > listed.oldN
    const isCurrent = this.#list.current === listed
    if (record.type === 'message' && !own && isNew) this.#progress.got()
    if (isCurrent || isNew) {
      if (!(isTyped && this.#streams.reader !== undefined)) this.#row(listed, event, !isCurrent)
    }
    if (record.type !== 'message') return
    if (own && isNew) listed.marks.sent(n)
    if (own) return
    listed.marks.answered()
    if (isCurrent && this.#streams.reader !== undefined) this.#agent.read(conversation, n)
  }

  #row(listed: Listed, event: RecordEvent, isElsewhere: boolean): void {
    const text = describeRecord(event, { contact: listed.contact })
    if (text === undefined) return
    const mark = isElsewhere ? `(${listed.number})` : undefined
    this.#streams.screen.row({ event, text, mark, hasConversation: true })
  }

  /** Puts a conversation on the screen, with its last records. */
  #show(listed: Listed): void {
    this.#list.show(listed)
    const { screen } = this.#streams
    if (screen.isInteractive) {
      for (const event of listed.recent) this.#row(listed, event, false)
      const last = listed.recent.findLast(({ own, record }) => !own && record.type === 'message')
      if (last !== undefined) this.#agent.read(listed.conversation, last.n)
    }
    this.#prompt()
    this.#changed()
  }

  #prompt(): void {
    const { reader } = this.#streams
    const { current } = this.#list
    reader?.setPrompt(current === undefined ? '> ' : `${current.number} ${current.contact}> `)
    reader?.prompt(true)
  }

  #line(text: string): LineResult {
    if (!isSlash(text)) return this.#send(plainText(text))
    if (/^\/\d{1,6}$/.test(text.trimEnd())) return this.#goTo(text.trim().slice(1))
    const { screen } = this.#streams
    try {
      const parsed = parseSlash(text, AGENT_SLASHES)
      if (parsed === undefined) {
        screen.note(unknownSlash(text, AGENT_SLASHES))
        return 'done'
      }
      const { name, rest } = parsed
      if (name === 'contact')
        return this.#onCurrent(({ conversation }) => showContact(this.#agent, screen, conversation))
      if (name === 'canned')
        return this.#onCurrent(({ conversation }) => showCanned(this.#agent, screen, conversation, rest))
      if (name === 'r') return this.#sendCanned(rest)
      if (name === 'history') {
        const conversation = this.#named(name, rest)
        return { run: () => showHistory(this.#agent, screen, conversation) }
      }
      if (name === 'search') {
        if (rest === '') throw misused(name, AGENT_SLASHES)
        return { run: () => showFound(this.#agent, screen, rest) }
      }
      if (name === 'link') {
        const other = this.#named(name, rest)
        return this.#onCurrent(listed => this.#carryOut(listed, { do: name, with: other }))
      }
      const command = agentCommand(name, rest, Date.now())
      return command === undefined ? this.#here(name) : this.#action(command, rest)
    } catch (error) {
      return { run: () => Promise.reject(error) }
    }
  }

  #goTo(number: string): LineResult {
    const listed = this.#list.numbered(Number(number))
    if (listed === undefined) this.#streams.screen.note(`There is no conversation ${number}. /list shows them.`)
    else this.#show(listed)
    return 'done'
  }

  /** What needs no answer of the server. */
  #here(name: AgentSlash): LineResult {
    const { screen } = this.#streams
    if (name === 'quit') return 'quit'
    if (name === 'list') {
      for (const { number, contact, unread, conversation } of this.#list.mine())
        screen.note([number, contact, wordsOfUnread(unread), conversation].filter(cell => cell !== '').join('  '))
      if (this.#list.mine().length === 0) screen.note('There is no conversation.')
    } else if (name === 'help') screen.note(slashHelp(AGENT_SLASHES))
    else {
      this.#agent.setPresence(name === 'away' ? 'away' : 'online')
      screen.note(name === 'away' ? 'You get no new conversations.' : 'You get new conversations.')
    }
    return 'done'
  }

  /** A command for the conversation on the screen, or for the one that it names. */
  #action(command: Command, rest: string): Action {
    if (command.do === 'accept' || command.do === 'reopen') {
      const conversation = this.#named(command.do, rest)
      return { run: () => this.#take(conversation, command) }
    }
    return this.#onCurrent(listed => this.#carryOut(listed, command))
  }

  /** The conversation that a command names. Throws `KEFU_USAGE`. */
  #named(name: AgentSlash, text: string): ConversationId {
    const conversation = this.#list.resolve(text)
    if (conversation === undefined) throw misused(name, AGENT_SLASHES)
    return conversation
  }

  /** Something about the conversation on the screen; piped lines wait for one. */
  #onCurrent(step: (listed: Listed) => Promise<void>): Action {
    const { current } = this.#list
    if (current === undefined && this.#streams.reader !== undefined)
      throw new KefuError('KEFU_USAGE', { reason: 'there is no conversation on the screen' })
    return { run: async () => step(current ?? (await this.#whenThere())) }
  }

  async #carryOut(listed: Listed, command: Command): Promise<void> {
    const { conversation } = listed
    const n = await this.#do(conversation, command)
    // Nothing more is sent to a conversation that is about to go: its records tell whether it does.
    await this.#until(() => listed.lastN >= n || !listed.isMine)
  }

  /** Takes a conversation, and goes to it. */
  async #take(conversation: ConversationId, command: Command): Promise<void> {
    this.#taken = conversation
    await this.#do(conversation, command)
    // It may have been assigned, and shown, before the answer came.
    if (this.#taken !== conversation) return
    const listed = this.#list.get(conversation)
    if (listed?.isMine === true) this.#show(listed)
    else await this.#until(() => this.#list.current?.conversation === conversation)
  }

  async #do(conversation: ConversationId, command: Command): Promise<number> {
    const { screen } = this.#streams
    const { n, changed } = await this.#agent.command(conversation, command)
    screen.event({ type: 'done', do: command.do, conversation, n, changed })
    if (!changed) screen.note('It was so before.')
    return n
  }

  #send(text: string): LineResult {
    const { current } = this.#list
    if (current !== undefined) return this.#sendTo(current, text)
    if (this.#streams.reader !== undefined) {
      this.#streams.screen.note('There is no conversation yet: nothing was sent.')
      return 'done'
    }
    return this.#whenThere().then(listed => this.#sendTo(listed, text))
  }

  /** Piped lines wait for the first conversation, as long as for any answer. */
  async #whenThere(): Promise<Listed> {
    const timeoutMs = this.timeoutMs()
    await this.#until(() => this.#there() !== undefined, timeoutMs)
    const listed = this.#there()
    if (listed !== undefined) {
      if (this.#list.current !== listed) this.#show(listed)
      return listed
    }
    throw new KefuError('KEFU_TIMEOUT', { what: 'getting a conversation', timeoutMs })
  }

  /** The conversation on the screen, else the first one of those that lines may go to. */
  #there(): Listed | undefined {
    const isWanted = ({ conversation }: Listed): boolean => this.#wanted === undefined || this.#wanted === conversation
    return this.#list.current ?? this.#list.mine().find(isWanted)
  }

  /** Waits for what the list is to say, but not for ever. */
  #until(isSo: () => boolean, timeoutMs = SHOWN_TIMEOUT_MS): Promise<void> {
    const end = AbortSignal.any([AbortSignal.timeout(timeoutMs), this.#streams.signal])
    return new Promise(resolve => {
      const look = (): void => {
        if (!isSo() && !end.aborted) return
        this.#watchers.delete(look)
        end.removeEventListener('abort', look)
        resolve()
      }
      this.#watchers.add(look)
      end.addEventListener('abort', look)
      look()
    })
  }

  #changed(): void {
    for (const look of this.#watchers) look()
  }

  /** What was not typed is shown when it comes back. */
  #sendCanned(shortcut: string): Action {
    if (!/^\S+$/.test(shortcut)) throw misused('r', AGENT_SLASHES)
    return this.#onCurrent(async ({ conversation }) => {
      const { text } = await cannedReply(this.#agent, conversation, shortcut)
      await this.#agent.send(conversation, text, { id: `${this.#idPrefix}-${++this.#idCount}` })
    })
  }

  #sendTo(listed: Listed, text: string): ReturnType<AgentClient['send']> {
    const id = `${this.#idPrefix}-${++this.#idCount}`
    return this.#progress.follow(id, this.#agent.send(listed.conversation, text, { id }))
  }
}

import { boolean, string } from '@oclif/core/flags'
import type { AgentClient, Conversation, RecordEvent } from '../../client/index.js'
import { KefuError } from '../../errors.js'
import { askForToken, checkToken, tokenFromFile } from './_chat/agent-token.js'
import { type LineResult, runChat } from './_chat/chat.js'
import { CHAT_FLAGS, ChatCommand, type ChatStreams } from './_chat/chat-command.js'
import { ConversationList, type Listed } from './_chat/conversations.js'
import { Progress } from './_chat/progress.js'
import { describeRecord } from './_chat/record-text.js'

const HELP =
  '/list shows the conversations, /1 goes to the first, /away and /online, /quit. // sends a line that begins with /.'

export default class ChatAgent extends ChatCommand {
  static override summary = 'answer conversations as an agent'
  static override description =
    'Is online while it runs, and gets conversations assigned. Each line that is typed goes to the conversation on the screen; what comes in others is ' +
    'marked with their number. The token comes from --token-file, from the first line of standard input with --stdin, or is asked for. ' +
    'Lines that are piped in go to the first conversation that is there, or to --conversation. With --json it writes one JSON object per line.'
  static override examples = [
    '<%= config.bin %> chat agent --token-file xiaowang.token',
    "echo 'Yes, until six.' | <%= config.bin %> chat agent --token-file xiaowang.token",
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
  #whenCurrent: (() => void) | undefined

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
      for (const name of ['typing', 'read'] as const) agent.on(name, body => screen.event({ type: name, ...body }))
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
    if (this.#list.current === undefined && isWanted) this.#show(listed)
  }

  #unassigned({ conversation }: Conversation): void {
    const { screen } = this.#streams
    const isCurrent = this.#list.current?.conversation === conversation
    const listed = this.#list.unassigned(conversation)
    screen.event({ type: 'not-yours', conversation })
    if (listed !== undefined && screen.isInteractive)
      screen.note(`${listed.number} ${listed.contact} is not yours any more`)
    if (isCurrent) this.#prompt()
  }

  #record(event: RecordEvent): void {
    const { conversation, n, own, record } = event
    const listed = this.#list.get(conversation)
    if (listed === undefined) return
    this.#list.remember(listed, event)
    const isTyped = this.#progress.saw(own, record.id)
    const isNew = n > listed.oldN
    const isCurrent = this.#list.current === listed
    if (record.type === 'message' && !own && isNew) this.#progress.got()
    if (isCurrent || isNew) {
      if (!(isTyped && this.#streams.reader !== undefined)) this.#row(listed, event, !isCurrent)
    }
    if (record.type !== 'message' || own) return
    if (!isCurrent) listed.unread++
    else if (this.#streams.reader !== undefined) this.#agent.read(conversation, n)
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
    this.#whenCurrent?.()
  }

  #prompt(): void {
    const { reader } = this.#streams
    const { current } = this.#list
    reader?.setPrompt(current === undefined ? '> ' : `${current.number} ${current.contact}> `)
    reader?.prompt(true)
  }

  #line(text: string): LineResult {
    if (/^\/(?!\/)/.test(text)) return this.#command(text.trim())
    return this.#send(text.startsWith('//') ? text.slice(1) : text)
  }

  #command(text: string): LineResult {
    const { screen } = this.#streams
    if (text === '/quit') return 'quit'
    if (text === '/list') {
      for (const { number, contact, unread, conversation } of this.#list.mine())
        screen.note(`${number}  ${contact}${unread > 0 ? `  ${unread} new` : ''}  ${conversation}`)
      if (this.#list.mine().length === 0) screen.note('There is no conversation.')
    } else if (text === '/away' || text === '/online') {
      this.#agent.setPresence(text === '/away' ? 'away' : 'online')
      screen.note(text === '/away' ? 'You get no new conversations.' : 'You get new conversations.')
    } else if (/^\/\d{1,6}$/.test(text)) {
      const listed = this.#list.numbered(Number(text.slice(1)))
      if (listed === undefined) screen.note(`There is no conversation ${text.slice(1)}. /list shows them.`)
      else this.#show(listed)
    } else {
      screen.note(text === '/help' ? HELP : `There is no command ${text.split(' ')[0]}. ${HELP}`)
    }
    return 'done'
  }

  #send(text: string): LineResult {
    const { current } = this.#list
    if (current !== undefined) return this.#sendTo(current, text)
    if (this.#streams.reader !== undefined) {
      this.#streams.screen.note('There is no conversation yet: nothing was sent.')
      return 'done'
    }
    return this.#sendLater(text)
  }

  /** Piped lines wait for the first conversation, as long as for any answer. */
  async #sendLater(text: string): ReturnType<AgentClient['send']> {
    const timeoutMs = this.timeoutMs()
    const deadline = AbortSignal.timeout(timeoutMs)
    const signal = AbortSignal.any([deadline, this.#streams.signal])
    await new Promise<void>(resolve => {
      const before = this.#whenCurrent
      this.#whenCurrent = () => {
        before?.()
        resolve()
      }
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    const { current } = this.#list
    if (current !== undefined) return this.#sendTo(current, text)
    throw new KefuError('KEFU_TIMEOUT', { what: 'getting a conversation', timeoutMs })
  }

  #sendTo(listed: Listed, text: string): ReturnType<AgentClient['send']> {
    const id = `${this.#idPrefix}-${++this.#idCount}`
    return this.#progress.follow(id, this.#agent.send(listed.conversation, text, { id }))
  }
}

import type { ChannelView } from '../../../daemon/control/client.js'
import { KefuError } from '../../../errors.js'
import { addressSetting } from '../../_emulate/kinds.js'
import { runChat } from './chat.js'
import type { ChatStreams } from './chat-command.js'
import { createEmulatedUser, type EmulatedContent, type EmulatedMessage } from './emulated-user.js'
import { Progress } from './progress.js'
import { safeText } from './safe-text.js'
import { isSlash, misused, parseSlash, plainText, slashHelp, unknownSlash } from './slash.js'
import { EMULATED_SLASHES } from './slashes.js'

const HELP = 'Type a line to send it. /help shows the commands, /quit ends, // sends a line that begins with /.'

/** A chat through the emulator behind a channel. */
export type EmulatedChat = {
  readonly channel: string
  readonly kind: string
  readonly baseUrl: string
  readonly user: string
  readonly streams: ChatStreams
  readonly waitCount: number | undefined
  readonly forMs: number | undefined
  readonly timeoutMs: number
}

/** Where the emulator of a channel is: its address on this machine. Throws `KEFU_USAGE` when that is a platform. */
export function emulatorOf(channel: ChannelView): string {
  const baseUrl = channel.settings?.[addressSetting(channel.kind)]
  if (typeof baseUrl === 'string' && URL.canParse(baseUrl) && isLoopback(new URL(baseUrl).hostname)) return baseUrl
  const where = typeof baseUrl === 'string' && URL.canParse(baseUrl) ? new URL(baseUrl).host : 'its platform'
  throw new KefuError('KEFU_USAGE', {
    reason: `channel ${channel.name} talks to ${where}: its users write there; kefu emulate ${channel.kind} --connect makes a channel that talks to an emulator`,
  })
}

/** Runs a chat in which what is typed is said by a user of the emulator, and what the daemon sends to that user is shown. Throws as `runChat` does. */
export async function runEmulatedChat(chat: EmulatedChat): Promise<void> {
  const { channel, kind, baseUrl, user, streams, waitCount, forMs, timeoutMs } = chat
  const { screen, reader, lines, signal } = streams
  const progress = new Progress()
  let count = 0

  function shown({ n, at, type, text }: EmulatedMessage): void {
    screen.event({ type: 'message', n, at, own: false, as: type, text })
    screen.said({ n, at, author: 'agent', text: safeText(text), isOwn: false })
    progress.got()
  }

  const client = createEmulatedUser(
    { channel, kind, baseUrl, user },
    {
      message: shown,
      typing: isTyping => screen.event({ type: 'typing', isTyping }),
      failedOnce: reason => screen.note(`not taken yet: ${reason}; the emulated platform tries again`),
    },
  )

  async function say(content: EmulatedContent, words: string): Promise<{ readonly id: string; readonly n: number }> {
    const id = `e-${++count}`
    const { n } = await progress.follow(id, client.say(content))
    progress.saw(true, id)
    if (!screen.isInteractive) screen.said({ n, at: Date.now(), author: 'you', text: safeText(words), isOwn: true })
    return { id, n }
  }

  await runChat({
    ...{ client, screen, lines, waitCount, forMs, progress, timeoutMs, signal },
    line(text) {
      if (!isSlash(text)) return say({ type: 'text', text: plainText(text) }, plainText(text))
      try {
        const parsed = parseSlash(text, EMULATED_SLASHES)
        if (parsed === undefined) screen.note(unknownSlash(text, EMULATED_SLASHES))
        else if (parsed.name === 'quit') return 'quit'
        else if (parsed.name === 'image') return say({ type: 'image' }, '[image]')
        else if (parsed.name === 'do') return say(eventOf(parsed.rest), `[${parsed.rest}]`)
        else screen.note(slashHelp(EMULATED_SLASHES))
      } catch (error) {
        return { run: () => Promise.reject(error) }
      }
      return 'done'
    },
    started() {
      if (reader === undefined) return
      screen.note(`You are ${user}, on the emulated platform at ${baseUrl}. ${HELP}`)
      reader.prompt()
    },
  })
}

/** `CLICK EventKey=help` as an event. Throws `KEFU_USAGE`. */
function eventOf(rest: string): EmulatedContent {
  const [event = '', ...pairs] = rest.split(/\s+/)
  const fields = pairs.map(pair => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const)
  if (event === '' || pairs.some(pair => pair.indexOf('=') < 1)) throw misused('do', EMULATED_SLASHES)
  return { type: 'event', event, fields: Object.fromEntries(fields) }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}

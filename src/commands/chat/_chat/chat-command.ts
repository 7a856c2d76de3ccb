import { createInterface, type Interface } from 'node:readline'
import { integer, string } from '@oclif/core/flags'
import { KefuError } from '../../../errors.js'
import { BaseCommand } from '../../_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from '../../_cli/exit-codes.js'
import { durationFlag } from '../../_cli/global-flags.js'
import { createScreen, type Screen } from './screen.js'

/** Flags of both sides of a chat. */
export const CHAT_FLAGS = {
  url: string({ helpValue: 'URL', summary: "address of the server; without it that of this machine's daemon" }),
  wait: integer({
    min: 1,
    max: 1_000_000,
    helpValue: 'N',
    summary: 'after the last line stay until N messages have come (at most --for, else 1m)',
  }),
  for: durationFlag({ summary: 'after the last line stay so long to receive' }),
}

/** What goes in and out of a chat. */
export type ChatStreams = {
  readonly screen: Screen
  readonly lines: AsyncIterable<string>
  /** Only with a person at a terminal. */
  readonly reader: Interface | undefined
  /** Ctrl-C, or the end of the process. */
  readonly signal: AbortSignal
  close(): void
}

/** What both sides of `kefu chat` share: which server, and the terminal. */
export abstract class ChatCommand extends BaseCommand {
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 13 as const]

  /** The server: as given, else where the daemon of this home listens. Throws `KEFU_DAEMON_UNREACHABLE`. */
  protected async serverUrl(given: string | undefined): Promise<string> {
    if (given !== undefined) {
      if (!URL.canParse(given))
        throw new KefuError('KEFU_USAGE', { reason: '--url is not an address such as http://127.0.0.1:8787' })
      return given
    }
    const { address } = await (await this.control()).call('daemon.status', {})
    if (address.http === null)
      throw new KefuError('KEFU_DAEMON_UNREACHABLE', { home: this.dirs.home, path: this.dirs.socketPath })
    const url = new URL(address.http)
    if (url.hostname === '0.0.0.0') url.hostname = '127.0.0.1'
    if (url.hostname === '[::]') url.hostname = '[::1]'
    return url.href
  }

  /** The terminal with a prompt where a person sits at it, else the piped lines. */
  protected openStreams(prompt: string): ChatStreams {
    const isInteractive = this.output.mode === 'human' && process.stdin.isTTY === true && process.stdout.isTTY === true
    const reader = createInterface(
      isInteractive
        ? { input: process.stdin, output: process.stdout, prompt, historySize: 100 }
        : { input: process.stdin },
    )
    const lines = reader[Symbol.asyncIterator]()
    const interrupted = new AbortController()
    reader.on('SIGINT', () => {
      // What is next on the terminal begins on a line of its own.
      if (isInteractive) this.output.raw('\n')
      interrupted.abort()
    })
    return {
      screen: createScreen(this.output, isInteractive ? reader : undefined),
      lines: { [Symbol.asyncIterator]: () => lines },
      reader: isInteractive ? reader : undefined,
      signal: AbortSignal.any([this.interrupt, interrupted.signal]),
      close: () => reader.close(),
    }
  }

  /** The program's name as servers see it. */
  protected get clientName(): string {
    return `kefu-cli ${this.config.version}`
  }
}

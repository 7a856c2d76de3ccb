import { string as argument } from '@oclif/core/args'
import { boolean, integer, string } from '@oclif/core/flags'
import type { ControlClient } from '../daemon/control/client.js'
import type { EmulatedAccount } from '../emulator/core/platform-emulator.js'
import type { ServedEmulator } from '../emulator/core/server.js'
import type { EmulatedKind, EmulateOptions } from '../emulator/emulators.js'
import { KefuError } from '../errors.js'
import { BaseCommand } from './_cli/base-command.js'
import { COMMON_EXIT_CODES, DAEMON_EXIT_CODES } from './_cli/exit-codes.js'
import type { Fact } from './_cli/output.js'
import { instantText } from './_cli/words.js'
import { type Connected, connectEmulator } from './_emulate/connect.js'
import { EMULATED_KINDS, EMULATOR_PORTS, emulatedChannel } from './_emulate/kinds.js'
import { type EmulatorRow, rowOfDelivery, rowOfSent } from './_emulate/view.js'

const ALL = 'all'
const LAST_PORT = 65_535
const FAULTS_URL = `http://127.0.0.1:${EMULATOR_PORTS['wechat-mp']}/emulator/faults`
/** Kinds that a flag means something to. */
const KINDS_WITH: Readonly<Record<'mode' | 'format', readonly EmulatedKind[]>> = {
  mode: ['wechat-mp', 'wechat-mini'],
  format: ['wechat-mini'],
}

export default class Emulate extends BaseCommand {
  static override summary = 'be the platform of a channel, on this machine'
  static override description =
    'A channel can be tried without an account: the emulator answers its API, with tokens, windows and quotas as the platform has them, and pushes signed callbacks, ' +
    'again when they are not answered in time. It listens on the loopback interface until Ctrl-C, and shows what is said and sent; its page shows more. ' +
    'With --connect the running daemon gets a channel emulated-KIND that talks to it. Each kind has a port of its own; several at once count up from --port.\n\n' +
    'What goes wrong can be ordered, for the next calls or pushes:\n' +
    `  curl --json '{"fault":"error","code":45047}' \\\n    ${FAULTS_URL}\n` +
    `  curl --json '{"fault":"duplicate","count":3}' \\\n    ${FAULTS_URL}\n\n` +
    'docs/emulators.md lists the faults, and what else can be asked of it.'
  static override examples = [
    '<%= config.bin %> emulate wechat-mp --connect',
    '<%= config.bin %> emulate all --connect',
    '<%= config.bin %> emulate webhook --callback http://127.0.0.1:8787/v1/channels/x/callback',
  ]
  static override args = {
    kind: argument({
      required: true,
      ignoreStdin: true,
      options: [...EMULATED_KINDS, ALL],
      description: 'kind of channel whose platform it is',
    }),
  }
  static override flags = {
    port: integer({ min: 0, max: LAST_PORT, helpValue: 'PORT', summary: 'port to listen on; 0 takes a free one' }),
    connect: boolean({ summary: 'make a channel of the running daemon that talks to it', exclusive: ['callback'] }),
    callback: string({ helpValue: 'URL', summary: 'callback address of the channel' }),
    mode: string({
      options: ['plain', 'compat', 'safe'],
      summary: 'how callbacks of wechat-mp and wechat-mini are encrypted; safe when not given',
    }),
    format: string({
      options: ['xml', 'json'],
      summary: 'how callbacks of wechat-mini are written; json when not given',
    }),
  }
  static override exitCodes = [...COMMON_EXIT_CODES, ...DAEMON_EXIT_CODES, 11 as const, 14 as const]

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Emulate)
    const kinds = args.kind === ALL ? EMULATED_KINDS : EMULATED_KINDS.filter(kind => kind === args.kind)
    if (kinds.length > 1 && flags.callback !== undefined)
      throw new KefuError('KEFU_USAGE', { reason: '--callback is for one kind; --connect is for all' })
    for (const flag of ['mode', 'format'] as const)
      if (flags[flag] !== undefined && !kinds.some(kind => KINDS_WITH[flag].includes(kind)))
        throw new KefuError('KEFU_USAGE', { reason: `--${flag} is for ${KINDS_WITH[flag].join(' and ')}` })
    if ((flags.port ?? 0) + kinds.length - 1 > LAST_PORT)
      throw new KefuError('KEFU_USAGE', { reason: `--port for ${ALL} is at most ${LAST_PORT - kinds.length + 1}` })
    const { interrupt } = this
    const control = flags.connect ? await this.control() : undefined
    const options = { mode: flags.mode, format: flags.format } as EmulateOptions
    const served: ServedEmulator[] = []
    try {
      for (const [index, kind] of kinds.entries()) {
        const port = flags.port === undefined ? EMULATOR_PORTS[kind] : flags.port && flags.port + index
        served.push(await this.#start(kind, port, options, flags.callback, control))
      }
      if (!interrupt.aborted)
        await new Promise<void>(resolve => interrupt.addEventListener('abort', () => resolve(), { once: true }))
    } finally {
      await Promise.all(served.map(one => one.close()))
    }
  }

  async #start(
    kind: EmulatedKind,
    port: number,
    options: EmulateOptions,
    callback: string | undefined,
    control: ControlClient | undefined,
  ): Promise<ServedEmulator> {
    const { EMULATORS } = await import('../emulator/emulators.js')
    const { channelSettings, serveEmulator } = await import('../emulator/core/server.js')
    const emulator = EMULATORS[kind](options)
    if (callback !== undefined) emulator.core.pusher.setTarget(callback)
    const served = await serveEmulator(emulator, port)
    try {
      const connected =
        control === undefined ? undefined : await connectEmulator(control, kind, served, emulatedChannel(kind))
      this.#ready(served, channelSettings(served), connected)
      this.#follow(served)
      return served
    } catch (error) {
      await served.close()
      throw error
    }
  }

  #ready(
    { emulator, origin, page }: ServedEmulator,
    settings: EmulatedAccount['settings'],
    connected: Connected | undefined,
  ): void {
    const { kind, account, core } = emulator
    const callback = core.pusher.target
    const { output } = this
    // Whoever enters them somewhere else has to see them: they are made for this run, and open nothing but this emulator.
    const credentials = connected === undefined ? account.credentials : undefined
    output.event({
      type: 'ready',
      ...{ kind, url: origin, page, settings },
      ...(callback !== undefined && { callback }),
      ...(credentials !== undefined && { credentials }),
      ...connected,
    })
    output.line(`The platform of ${kind} is at ${origin}.`)
    const facts: Fact[] = [
      ['kind', kind],
      ['page', page],
    ]
    if (connected !== undefined)
      facts.push(['channel', connected.channel, `${connected.channel} (${connected.result})`])
    if (callback !== undefined) facts.push(['callback', callback])
    const given = Object.entries({ ...(connected === undefined && settings), ...credentials })
    facts.push(...given.map(([name, value]): Fact => [name, String(value)]))
    output.facts(facts)
    if (connected?.problem !== undefined) output.warn(`The callback address was not accepted: ${connected.problem}.`)
    if (connected !== undefined) output.note(`Next: kefu chat visitor --channel ${connected.channel}`)
  }

  #follow({ emulator }: ServedEmulator): void {
    const { kind, core } = emulator
    core.pusher.listen(delivery => {
      this.output.event({ type: 'delivery', kind, delivery })
      this.#row(rowOfDelivery(kind, delivery))
    })
    core.sent.listen(event => {
      this.output.event({ kind, ...event })
      if (event.type === 'sent') this.#row(rowOfSent(kind, event.message))
    })
  }

  #row({ at, cells }: EmulatorRow): void {
    const { mode } = this.output
    const time = mode === 'plain' ? instantText(at) : new Date(at).toTimeString().slice(0, 8)
    this.output.raw(`${[time, ...cells].join(mode === 'plain' ? '\t' : '  ')}\n`)
  }

  /** Whoever read the first lines may leave; the platform goes on. */
  protected override stdoutClosed(): void {}
}

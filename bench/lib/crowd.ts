import { decodeFrame, encodeFrame, type Frame } from '../../src/codec/frame.js'
import type { InboxBody, WelcomeBody } from '../../src/codec/wire.js'
import { createReadMemory, LeanSocket, type SocketAddress, type SocketEvents } from './socket.js'

/** Whom to connect, and to what. */
export type CrowdOptions = {
  readonly host: string
  readonly port: number
  readonly channel: string
  readonly agentTokens: readonly string[]
  readonly visitors: number
  /** Addresses of this machine to connect visitors from, in turn. */
  readonly sourceAddresses?: readonly string[]
}

/** A visitor's conversation when it belongs to an agent. */
export type OpenedConversation = { readonly conversation: string; readonly n: number; readonly agent: number }

/** Connected clients. Indices below `visitors.length` are visitors, the others are agents. */
export type Crowd = {
  readonly visitors: readonly LeanSocket[]
  readonly agents: readonly LeanSocket[]
  /** Number of the web channel in frame headers. */
  readonly channel: number
  /** Conversation ids by visitor. */
  readonly conversations: readonly string[]
  /** Hands everything that comes from now on to these handlers. */
  handle(events: SocketEvents): void
  close(): void
}

const CONNECTING = 32
const STEP_TIMEOUT_MS = 60_000

/** Connects everybody, says hello and waits for every welcome. Agents come first, so that conversations find somebody. */
export async function connectCrowd(options: CrowdOptions): Promise<Crowd> {
  const { host, port, channel, agentTokens, sourceAddresses = [] } = options
  const memory = createReadMemory()
  const waiting = new Map<number, (frame: Frame) => void>()
  const lost: string[] = []
  const greeting: SocketEvents = {
    message(socket, bytes, start, end) {
      const frame = decodeFrame(Buffer.from(bytes.subarray(start, end)))
      if (frame.kind === 'welcome' || frame.kind === 'error') waiting.get(socket.index)?.(frame)
    },
    readEnd: () => undefined,
    lost: (socket, reason) => lost.push(`client ${socket.index}: ${reason}`),
  }
  let events = greeting
  const relay: SocketEvents = {
    message: (socket, bytes, start, end) => events.message(socket, bytes, start, end),
    readEnd: socket => events.readEnd(socket),
    lost: (socket, reason) => events.lost(socket, reason),
  }
  const sockets: LeanSocket[] = []

  async function join(index: number, hello: object): Promise<WelcomeBody> {
    const source = index < options.visitors ? sourceAddresses[index % sourceAddresses.length] : undefined
    const address: SocketAddress = { host, port, ...(source === undefined ? {} : { localAddress: source }) }
    const socket = await LeanSocket.open(index, address, relay, memory)
    sockets[index] = socket
    const answer = new Promise<Frame>(resolve => waiting.set(index, resolve))
    socket.send(encodeFrame(0, 'hello', 1, { ...hello, client: 'kefu-bench' }))
    const frame = await within(answer, `the welcome of client ${index}`)
    waiting.delete(index)
    if (frame.kind !== 'welcome') throw new Error(`hello was refused: ${JSON.stringify(frame.body)}`)
    return frame.body as WelcomeBody
  }

  try {
    for (const [i, token] of agentTokens.entries()) await join(options.visitors + i, { token })
    const conversations: string[] = new Array<string>(options.visitors)
    let channelNumber = 0
    let next = 0
    const worker = async (): Promise<void> => {
      while (next < options.visitors) {
        const index = next++
        const welcome = await join(index, { channel })
        conversations[index] = welcome.conversation ?? ''
        channelNumber = welcome.channels[0]?.number ?? 0
      }
    }
    await Promise.all(Array.from({ length: CONNECTING }, worker))
    if (lost.length > 0) throw new Error(`lost while connecting: ${lost[0]}`)
    return {
      visitors: sockets.slice(0, options.visitors),
      agents: sockets.slice(options.visitors),
      channel: channelNumber,
      conversations,
      handle: handlers => {
        events = handlers
      },
      close: () => closeAll(sockets),
    }
  } catch (error) {
    closeAll(sockets)
    throw error
  }
}

/** Every visitor writes a first message; resolves when each is acknowledged and its conversation is in an agent's inbox. */
export async function openConversations(crowd: Crowd): Promise<OpenedConversation[]> {
  const visitorOf = new Map(crowd.conversations.map((conversation, visitor) => [conversation, visitor]))
  const opened: OpenedConversation[] = new Array<OpenedConversation>(crowd.visitors.length)
  // An acknowledgement and an inbox entry each.
  let left = crowd.visitors.length * 2
  await within(
    new Promise<void>((resolve, reject) => {
      crowd.handle({
        message(socket, bytes, start, end) {
          const frame = decodeFrame(Buffer.from(bytes.subarray(start, end)))
          if (frame.kind === 'error') reject(new Error(`a first message was refused: ${JSON.stringify(frame.body)}`))
          if (frame.kind === 'ack' && --left === 0) resolve()
          if (frame.kind !== 'inbox') return
          for (const { conversation, n } of (frame.body as InboxBody).entries) {
            const visitor = visitorOf.get(conversation)
            if (visitor === undefined || opened[visitor] !== undefined) continue
            opened[visitor] = { conversation, n, agent: socket.index - crowd.visitors.length }
            if (--left === 0) resolve()
          }
        },
        readEnd: () => undefined,
        lost: (_, reason) => reject(new Error(reason)),
      })
      const parts = [{ type: 'text', text: '你好,请问有人吗?' }]
      for (const visitor of crowd.visitors)
        visitor.send(encodeFrame(crowd.channel, 'message', 1, { id: `open-${visitor.index}`, parts }))
    }),
    'every conversation to be assigned',
  )
  return opened
}

function closeAll(sockets: readonly (LeanSocket | undefined)[]): void {
  for (const socket of sockets) socket?.close()
}

async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${STEP_TIMEOUT_MS / 1000} s for ${what}`)), STEP_TIMEOUT_MS)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}

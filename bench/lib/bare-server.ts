import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { Level } from 'level'
import { Packr } from 'msgpackr'
import { type ConversationId, formatConversationId } from '../../src/codec/conversation-id.js'
import { encodeFrame, FRAME_HEADER_BYTES } from '../../src/codec/frame.js'
import { feedKey, headKey, KEY, placeValue, recordKey, textKey, textSeqKey } from '../../src/codec/keys.js'
import { encodeAck, encodeDeliver, packTextMessage } from '../../src/codec/message-bytes.js'
import { packRecord, RECORD_HEADER_BYTES, rawRecordBody, sealValue, stampRecord } from '../../src/codec/record.js'
import { readTextMessage } from '../../src/codec/text-message.js'
import { FRAME_KINDS, type MessageBody, SUBPROTOCOLS } from '../../src/codec/wire.js'
import { loadUws, type UwsWebSocket } from '../../src/daemon/transport/uws-native.js'
import { serveParent } from './child.js'

/**
 * What a message costs at least: uWebSockets.js, msgpackr and LevelDB in one loop, with the frames, keys and bytes of kefu and its promise (fsync before ack),
 * and nothing else: no sessions to look up, no schema, limits, dedupe, checks, ports, or failures that are handled.
 * Started by `startBare`; the folder is the only argument.
 */

type Client = { bare?: Peer }

type Peer = {
  readonly native: UwsWebSocket
  readonly agent: number
  readonly conversation: ConversationId
  readonly bytes: Uint8Array
  readonly contact: string
  readonly headKey: Uint8Array
  n: number
  seq: number
  prev: number
  /** Seq at which it stands in the agent's inbox; 0 for not yet. */
  inboxSeq: number
  isTouched: boolean
  out: Uint8Array[] | undefined
}

type Message = {
  readonly peer: Peer
  readonly channel: number
  readonly correlation: number
  readonly id: string
  readonly record: Uint8Array
  n: number
  seq: number
  at: number
}

type Hello = { readonly token?: string }

const CHANNEL = 1
const NO_CONVERSATION = 'c_' as ConversationId
const BATCH_RECORDS = 1024
/** As many bytes as kefu's digests have. */
const DIGEST = Buffer.alloc(32)
const SYNC = { sync: true } as const
const CONTACT = { role: 'contact' } as const
const SYSTEM = { role: 'system' } as const
const COMMIT_KEY = textKey(KEY.meta, 'commit')

const load = loadUws()
if (!load.isAvailable) throw new Error(load.reason)
const uws = load.module
const packr = new Packr({ useRecords: false, mapsAsObjects: true, variableMapSize: true, int64AsType: 'number' })
const level = new Level<Uint8Array, Uint8Array>(join(process.argv[2]!, 'level'), {
  keyEncoding: 'view',
  valueEncoding: 'view',
  writeBufferSize: 8 * 1024 * 1024,
  maxFileSize: 32 * 1024 * 1024,
  cacheSize: 32 * 1024 * 1024,
  maxOpenFiles: 512,
})
await level.open()

const agents: Peer[] = []
let visitors = 0
let seq = 0
let commits = 0
let committedRecords = 0
let queue: Message[] = []
let isWriting = false

const app = uws.App()
app.ws<Client>('/*', {
  compression: uws.DISABLED,
  maxPayloadLength: 64 * 1024,
  maxBackpressure: 256 * 1024,
  closeOnBackpressureLimit: true,
  idleTimeout: 120,
  sendPingsAutomatically: true,
  upgrade(res, req, context) {
    let key = ''
    req.forEach((name, value) => {
      if (name === 'sec-websocket-key') key = value
    })
    res.upgrade<Client>({}, key, SUBPROTOCOLS.binary, '', context)
  },
  open: () => undefined,
  message(ws, data) {
    const bytes = Buffer.from(data)
    const message = readTextMessage(bytes)
    if (message !== undefined) accept(ws.bare!, message.correlation, message.body)
    else if (bytes[2] === FRAME_KINDS.hello)
      greet(ws, bytes.readUInt32BE(4), packr.unpack(bytes.subarray(FRAME_HEADER_BYTES)) as Hello)
  },
  drain: () => undefined,
  close: () => undefined,
})
app.listen('127.0.0.1', 0, uws.LIBUS_LISTEN_EXCLUSIVE_PORT, socket => {
  if (socket === false) throw new Error('no port is free')
  serveParent(
    { port: uws.us_socket_local_port(socket), channel: 'web', agentTokens: ['kat_0', 'kat_1', 'kat_2', 'kat_3'] },
    { info: () => ({ commits, committedRecords }), stop: () => level.close() },
  )
})

function greet(native: UwsWebSocket & Client, correlation: number, { token }: Hello): void {
  const isAgent = token !== undefined
  const bytes = randomBytes(16)
  const peer: Peer = {
    native,
    agent: isAgent ? agents.length : visitors++ % agents.length,
    conversation: isAgent ? NO_CONVERSATION : formatConversationId(bytes),
    bytes,
    contact: `v_${'0'.repeat(26)}`,
    headKey: headKey(bytes),
    n: 0,
    seq: 0,
    prev: 0,
    inboxSeq: 0,
    isTouched: false,
    out: undefined,
  }
  if (isAgent) agents.push(peer)
  native.bare = peer
  const channels = [{ number: CHANNEL, name: 'web', kind: 'web' }]
  const common = { role: isAgent ? 'agent' : 'visitor', session: 's_1', serverTime: Date.now(), channels }
  const rest = isAgent ? { cursor: '0:0' } : { conversation: peer.conversation, n: 0 }
  native.send(encodeFrame(0, 'welcome', correlation, { ...common, ...rest }), true, false)
}

function accept(peer: Peer, correlation: number, { id, parts }: MessageBody): void {
  const isNew = peer.n === 0
  if (isNew) append(peer, 0, '', packRecord({ type: 'opened', channel: CHANNEL, kind: 'web', contact: peer.contact }))
  append(peer, correlation, id, packTextMessage({ by: CONTACT, id, parts }, RECORD_HEADER_BYTES)!)
  if (isNew)
    append(peer, 0, 'assigned', packRecord({ type: 'assigned', by: SYSTEM, agent: `a_${peer.agent}`, name: 'agent' }))
  if (!isWriting) void write()
}

function append(peer: Peer, correlation: number, id: string, record: Uint8Array): void {
  peer.n++
  queue.push({ peer, channel: CHANNEL, correlation, id, record, n: peer.n, seq: 0, at: 0 })
}

/** One batch in flight; the queue forms the next. */
async function write(): Promise<void> {
  isWriting = true
  while (queue.length > 0) {
    const messages = queue.length > BATCH_RECORDS ? queue.splice(0, BATCH_RECORDS) : queue
    if (messages === queue) queue = []
    const batch = level.batch()
    const touched: Peer[] = []
    const now = Date.now()
    for (const message of messages) {
      const { peer, record, n } = message
      message.seq = ++seq
      message.at = now
      stampRecord(record, peer.bytes, { flags: 0, seq, n, prev: peer.prev, at: now })
      peer.prev = seq
      peer.seq = seq
      batch.put(recordKey(peer.bytes, n), record)
      batch.put(feedKey(seq), placeValue(peer.bytes, n))
      if (peer.isTouched) continue
      peer.isTouched = true
      touched.push(peer)
    }
    for (const peer of touched) {
      peer.isTouched = false
      const owner = `a:a_${peer.agent}`
      const fields = [peer.n, peer.seq, now, CHANNEL, 'web', 'socket', peer.contact, null, 2, owner, null, [], 32]
      batch.put(peer.headKey, sealValue(peer.headKey, fields))
      if (peer.inboxSeq > 0) batch.del(textSeqKey(KEY.inbox, owner, peer.inboxSeq))
      batch.put(textSeqKey(KEY.inbox, owner, peer.seq), peer.bytes)
      peer.inboxSeq = peer.seq
    }
    for (let i = 0; i < agents.length; i++) batch.put(textKey(KEY.meta, `digest:inbox:a:a_${i}`), DIGEST)
    batch.put(COMMIT_KEY, sealValue(COMMIT_KEY, [++commits, seq]))
    await batch.write(SYNC)
    committedRecords += messages.length
    answer(messages)
  }
  isWriting = false
}

function answer(messages: readonly Message[]): void {
  const dirty: Peer[] = []
  for (const message of messages) {
    const { peer, channel, correlation, id, n, at, record } = message
    const { conversation } = peer
    const agent = agents[peer.agent]!
    if (correlation > 0) push(dirty, peer, encodeAck(channel, correlation, id, conversation, n))
    const cursor = `0:${message.seq}`
    if (n > 3) {
      const fields = { conversation, contact: peer.contact, n, at, cursor }
      push(dirty, agent, encodeDeliver(channel, fields, rawRecordBody(record)))
    } else if (id === 'assigned') {
      const entry = { conversation, channel, contact: peer.contact, n, at, state: 'active', cursor, agent: 'a' }
      push(dirty, agent, encodeFrame(channel, 'inbox', 0, { entries: [entry], more: false }))
    }
  }
  for (const peer of dirty) {
    const frames = peer.out!
    peer.out = undefined
    if (frames.length === 1) peer.native.send(frames[0]!, true, false)
    else
      peer.native.cork(() => {
        for (const frame of frames) peer.native.send(frame, true, false)
      })
  }
}

function push(dirty: Peer[], peer: Peer, frame: Uint8Array): void {
  if (peer.out === undefined) {
    peer.out = [frame]
    dirty.push(peer)
  } else peer.out.push(frame)
}

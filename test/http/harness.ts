import { randomBytes } from 'node:crypto'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import type { ConversationId } from '../../src/codec/conversation-id.js'
import type { MediaMeta, MediaPort } from '../../src/daemon/core/media.js'
import { createRateLimiter } from '../../src/daemon/engine/limits/rate-limit.js'
import { createDownloadAdmission } from '../../src/daemon/engine/media/download-admission.js'
import {
  createUploadAdmission,
  type UploadAdmission,
  type UploadBounds,
} from '../../src/daemon/engine/media/upload-admission.js'
import { createTokens, type Tokens } from '../../src/daemon/engine/session/tokens.js'
import type { Readiness } from '../../src/daemon/http/health.js'
import type { UploadLimits } from '../../src/daemon/http/media-upload.js'
import { createHttp } from '../../src/daemon/http/router.js'
import { createMediaStore } from '../../src/daemon/media/store.js'
import { createTransport, type TransportPreference } from '../../src/daemon/transport/select.js'
import { loadUws } from '../../src/daemon/transport/uws-native.js'
import { KefuError } from '../../src/errors.js'
import { createManualClock, type ManualClock } from '../helpers/manual-clock.js'
import { type Cleanup, tmpDir } from '../helpers/tmp-dir.js'

/** The transports that work here. */
export const TRANSPORTS: readonly TransportPreference[] = loadUws().isAvailable ? ['uWebSockets.js', 'ws'] : ['ws']

/** Origins of the only web channel, and of another one. */
export const SHOP = 'https://shop.example'
export const OTHER_SHOP = 'https://other.example'
/** The token of an agent who may see the conversations in `agentConversations`. */
export const AGENT_TOKEN = `kat_${'A'.repeat(43)}`
export const CHANNEL = 1

/** A response, whole. */
export type Answer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Buffer
  /** The body as JSON. */
  json(): Record<string, unknown>
  /** The code of the error in the body. */
  readonly code: string | undefined
}

/** A request; the body is sent with its length. */
export type Ask = {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
}

/** The routes over a real transport and a real media store. */
export type TestServer = {
  readonly port: number
  readonly clock: ManualClock
  readonly tokens: Tokens
  readonly media: MediaPort
  readonly mediaPath: string
  readonly agentConversations: Set<string>
  /** Uploads that were let in and have not ended. */
  uploading: number
  readonly reported: { readonly error: KefuError; readonly route: string }[]
  readonly transportErrors: unknown[]
  readiness: Readiness
  ask(path: string, ask?: Ask): Promise<Answer>
  /** A visitor with a token and a conversation. */
  visitor(): { readonly token: string; readonly conversation: ConversationId }
  /** Keeps a file in a conversation and gives a link to it. */
  keep(conversation: ConversationId, bytes: Uint8Array, type?: string): Promise<{ meta: MediaMeta; url: string }>
}

/** Everything that bounds uploads. */
export type TestLimits = UploadLimits &
  UploadBounds & {
    /** How many uploads one visitor may do at once, and how many all visitors of one address; again after 5 s each. */
    readonly uploads: number
    readonly addressUploads: number
    /** Bytes of one address; a thousand come back each second. */
    readonly addressBytes: number
    readonly downloadsAtOncePerAddress: number
  }

/** Limits for tests: small enough to be reached. */
export const LIMITS: TestLimits = {
  fileBytes: 2 * 1024 * 1024,
  timeoutMs: 5_000,
  memoryBytes: 32 * 1024 * 1024,
  atOnce: 100,
  atOncePerAddress: 100,
  uploads: 1_000,
  addressUploads: 1_000,
  addressBytes: 1024 * 1024 * 1024,
  downloadsAtOncePerAddress: 100,
}

/** Starts the server behind a trusted proxy on 127.0.0.1; it is stopped when the test is over. */
export async function startServer(
  context: Cleanup,
  preference: TransportPreference,
  change: Partial<TestLimits> = {},
): Promise<TestServer> {
  const limits: TestLimits = { ...LIMITS, ...change }
  const clock = createManualClock()
  const tokens = createTokens({ secret: randomBytes(32), clock, random: randomBytes })
  const mediaPath = join(tmpDir(context), 'media')
  const reported: TestServer['reported'] = []
  const transportErrors: unknown[] = []
  const agentConversations = new Set<string>()
  const media = await createMediaStore(
    { clock, random: randomBytes, report: error => reported.push({ error, route: 'media' }) },
    { path: mediaPath, fileLimitBytes: LIMITS.fileBytes },
  )
  const answer = createHttp(
    {
      ...{ clock, tokens, media },
      allowsOrigin: origin => origin === SHOP || origin === OTHER_SHOP,
      report: (error, route) => reported.push({ error, route }),
      receive: async () => {
        throw new KefuError('KEFU_NOT_FOUND')
      },
      readiness: () => server.readiness,
      admission: counted(
        createUploadAdmission(
          {
            uploads: createRateLimiter(clock, { burst: limits.uploads, perSecond: 0.2, keyLimit: 100 }),
            addressUploads: createRateLimiter(clock, { burst: limits.addressUploads, perSecond: 0.2, keyLimit: 100 }),
            addressBytes: createRateLimiter(clock, { burst: limits.addressBytes, perSecond: 1_000, keyLimit: 100 }),
          },
          limits,
        ),
        change => (server.uploading += change),
      ),
      downloads: createDownloadAdmission({ atOncePerAddress: limits.downloadsAtOncePerAddress }),
      async authorise({ token, conversation, origin }) {
        if (token === AGENT_TOKEN) {
          if (conversation === undefined || !agentConversations.has(conversation))
            throw new KefuError('KEFU_CONVERSATION_NOT_FOUND')
          return { conversation: conversation as ConversationId, uploader: 'a_1', role: 'agent' }
        }
        const visitor = tokens.readVisitorToken(token)
        if (visitor === undefined) throw new KefuError('KEFU_UNAUTHORISED')
        if (origin !== undefined && origin !== SHOP) throw new KefuError('KEFU_ORIGIN_REFUSED', { origin })
        const own = tokens.conversationId(visitor.channel, visitor.contact)
        return { conversation: own, uploader: visitor.contact, role: 'visitor' }
      },
    },
    limits,
  )
  const transport = await createTransport(preference, { onError: error => transportErrors.push(error) })
  const refuse = { accept: false, status: 404, message: 'no sockets here' } as const
  const nothing = () => {}
  const listener = await transport.listen(
    {
      ...{ host: '127.0.0.1', port: 0, inboundFrameLimitBytes: 1024, backpressureLimitBytes: 262_144 },
      ...{ idleTimeoutSeconds: 120, connectionLimit: 10, headerLimitBytes: 4096, trustedProxies: ['127.0.0.1'] },
    },
    {
      ...{ upgrade: () => refuse, opened: nothing, message: nothing, drained: nothing, closed: nothing },
      request: answer,
    },
  )
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  context.after(async () => {
    agent.destroy()
    await listener.close()
    await media.close()
  })

  const server: TestServer = {
    ...{ port: listener.port, clock, tokens, media, mediaPath, agentConversations, reported, transportErrors },
    readiness: { isReady: true, state: 'ready' },
    uploading: 0,
    ask: (path, ask = {}) => send(listener.port, agent, path, ask),
    visitor() {
      const contact = tokens.anonymousContact()
      const token = tokens.issueVisitorToken({ channel: CHANNEL, contact, known: false })
      return { token, conversation: tokens.conversationId(CHANNEL, contact) }
    },
    async keep(conversation, bytes, declaredType) {
      const meta = await media.put({ conversation, uploader: 'v_A', declaredType, bytes })
      return { meta, url: tokens.mediaUrl(conversation, meta.media).url }
    },
  }
  return server
}

function counted(admission: UploadAdmission, changed: (change: 1 | -1) => void): UploadAdmission {
  return {
    admit(candidate) {
      const admitted = admission.admit(candidate)
      changed(1)
      return {
        end(bytes) {
          changed(-1)
          admitted.end(bytes)
        },
      }
    },
  }
}

function send(port: number, agent: Agent, path: string, { method = 'GET', headers = {}, body }: Ask): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const asked = request({ host: '127.0.0.1', port, agent, path, method, headers: { ...length, ...headers } })
    asked.setTimeout(10_000, () => asked.destroy(new Error('no answer within 10 s')))
    asked.on('error', reject)
    asked.on('response', response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const whole = Buffer.concat(chunks)
        const json = () => JSON.parse(whole.toString()) as Record<string, unknown>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers as Answer['headers'],
          body: whole,
          json,
          get code() {
            const { error } = json()
            return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : undefined
          },
        })
      })
    })
    asked.end(body)
  })
}

/** The header that carries a token. */
export function bearer(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token}` }
}

import { KefuError, toKefuError } from '../../errors.js'
import { type ApiAnswer, type ApiRequest, jsonAnswer, jsonObject } from './api.js'
import { renderPage } from './page.js'
import { PAGE_SCRIPT, PAGE_STYLE } from './page-assets.js'
import type { EmulatorCore, PlatformEmulator } from './platform-emulator.js'
import type { Delivery } from './pusher.js'
import { checkUser, parseSaid } from './said.js'

/** Where an emulator's own addresses begin; everything else is the platform's. */
export const INSPECTION_ROOT = '/emulator'

const WINDOWS_SHOWN = 1_000

/** Nothing but the page's own style and script, and its own addresses. */
const PAGE_POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const NO_STORE = { 'cache-control': 'no-store' }

type Route = (emulator: PlatformEmulator, request: ApiRequest) => ApiAnswer | Promise<ApiAnswer>

const ROUTES: Readonly<Record<string, Readonly<Record<string, Route>>>> = {
  '': {
    GET: emulator => ({
      ...{ status: 200, contentType: 'text/html; charset=utf-8', body: renderPage(emulator) },
      headers: { ...NO_STORE, 'content-security-policy': PAGE_POLICY, 'referrer-policy': 'no-referrer' },
    }),
  },
  '/page.css': { GET: () => ({ status: 200, contentType: 'text/css; charset=utf-8', body: PAGE_STYLE }) },
  '/page.js': { GET: () => ({ status: 200, contentType: 'text/javascript; charset=utf-8', body: PAGE_SCRIPT }) },
  '/state': { GET: emulator => jsonAnswer(stateOf(emulator)) },
  '/sent': {
    GET: ({ core }, { query }) =>
      jsonAnswer({ sent: core.sent.list({ user: query.get('user') ?? undefined, after: numberOf(query, 'after') }) }),
  },
  '/deliveries': {
    GET: ({ core }, { query }) => jsonAnswer({ deliveries: core.pusher.list(numberOf(query, 'after')) }),
  },
  '/windows': { GET: ({ core }) => jsonAnswer({ windows: core.sent.windows(WINDOWS_SHOWN) }) },
  '/faults': {
    GET: ({ core }) => jsonAnswer({ faults: core.faults.list() }),
    POST: ({ core }, { bytes }) => jsonAnswer({ fault: core.faults.add(jsonObject(bytes)) }),
    DELETE: ({ core }) => jsonAnswer({ cleared: core.faults.clear() }),
  },
  '/tokens': { DELETE: ({ core }, { query }) => jsonAnswer({ ended: endTokens(core, query) }) },
  '/media': { GET: ({ core }, { query }) => mediaAnswer(core, query.get('id') ?? '') },
  '/say': { POST: say },
  '/verify': {
    POST: async emulator => {
      const reason = await emulator.verify?.()
      return jsonAnswer({ accepted: reason === undefined, ...(reason !== undefined && { reason }) })
    },
  },
}

/** Answers an address below `/emulator`: the page, and the JSON API. Never throws. */
export async function inspect(emulator: PlatformEmulator, request: ApiRequest): Promise<ApiAnswer> {
  try {
    const methods = ROUTES[request.path.slice(INSPECTION_ROOT.length).replace(/\/$/, '')]
    if (methods === undefined) throw new KefuError('KEFU_NOT_FOUND')
    const route = methods[request.method]
    if (route === undefined) throw new KefuError('KEFU_METHOD_NOT_ALLOWED', { allow: Object.keys(methods).join(', ') })
    // A page of another origin cannot send this type without being asked first.
    if (request.method === 'POST' && request.header('content-type')?.split(';')[0]?.trim() !== 'application/json')
      throw new KefuError('KEFU_USAGE', { reason: 'send it as content-type: application/json' })
    return await route(emulator, request)
  } catch (error) {
    const known = toKefuError(error)
    return jsonAnswer({ error: known.report() }, known.status)
  }
}

/** What is known of an emulator, without its secrets. */
function stateOf({ kind, account, core }: PlatformEmulator): object {
  const { pusher, sent, media, faults, clock } = core
  return {
    ...{ kind, at: clock.now(), callback: pusher.target ?? null, settings: account.settings },
    counts: { sent: sent.total, deliveries: pusher.total, waiting: pusher.waiting, media: media.count },
    faults: faults.list(),
  }
}

/**
 * `{user, content: {type, …}}`, or `{user, text}`: answered when it is delivered or given up, with `wait: "attempt"` already when the first attempt has failed, with
 * `wait: false` at once.
 */
async function say(emulator: PlatformEmulator, { bytes }: ApiRequest): Promise<ApiAnswer> {
  const { user, text, content = { type: 'text', text }, wait } = jsonObject(bytes) ?? {}
  if (typeof user !== 'string') throw new KefuError('KEFU_USAGE', { reason: 'it needs a user' })
  let failedOnce: (delivery: Delivery) => void = () => {}
  const firstFailure = new Promise<Delivery>(resolve => {
    failedOnce = resolve
  })
  const done = emulator.say(checkUser(user), parseSaid(content), failedOnce)
  done.catch(() => {})
  if (wait === false) return jsonAnswer({ delivery: null }, 202)
  return jsonAnswer({ delivery: await (wait === 'attempt' ? Promise.race([done, firstFailure]) : done) })
}

function endTokens({ tokens }: EmulatorCore, query: URLSearchParams): number {
  const as = query.get('as') ?? 'expired'
  if (as !== 'expired' && as !== 'unknown') throw new KefuError('KEFU_USAGE', { reason: 'as is expired or unknown' })
  return Object.values(tokens).reduce((count, service) => count + service.end(as), 0)
}

/** A file for whoever looks on; never something that a browser runs. */
function mediaAnswer({ media }: EmulatorCore, id: string): ApiAnswer {
  const file = media.get(id)
  if (file === undefined) throw new KefuError('KEFU_NOT_FOUND')
  const isPicture = /^image\/(png|jpeg|gif|webp)$/.test(file.contentType)
  return {
    status: 200,
    contentType: isPicture ? file.contentType : 'application/octet-stream',
    body: file.bytes,
    headers: { 'content-security-policy': "default-src 'none'; sandbox" },
  }
}

function numberOf(query: URLSearchParams, name: string): number {
  const text = query.get(name) ?? '0'
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new KefuError('KEFU_USAGE', { reason: `${name} is a whole number` })
}

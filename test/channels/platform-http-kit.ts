import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { createPlatformHttp } from '../../src/daemon/channels/platform-http.js'
import { isUnwritten, type PlatformRequest, type PlatformResponse } from '../../src/daemon/core/channel-adapter.js'
import { isKefuError, type KefuError } from '../../src/errors.js'

export const SECRET = 'tok-4f1d0c'
export const BOUNDS = { timeoutMs: 5_000, limitBytes: 10_000 }

export type Client = ReturnType<typeof createPlatformHttp>

export function client(t: TestContext): Client {
  const http = createPlatformHttp()
  t.after(() => http.close())
  return http
}

export function get(url: string): PlatformRequest {
  return { method: 'GET', url: `${url}send?access_token=${SECRET}`, ...BOUNDS }
}

export function post(url: string, body: string | Uint8Array = `{"text":"${SECRET}"}`): PlatformRequest {
  return { ...get(url), method: 'POST', body, headers: { authorization: `Bearer ${SECRET}` } }
}

export function call(http: Client, request: PlatformRequest, abort?: AbortSignal): Promise<PlatformResponse> {
  return http.call(request, abort ?? new AbortController().signal)
}

/** The error of a call that has to fail. */
export async function failure(promise: Promise<unknown>): Promise<KefuError> {
  const error = await promise.then(
    () => assert.fail('the call succeeded'),
    (thrown: unknown) => thrown,
  )
  assert.ok(isKefuError(error), String(error))
  const told = `${JSON.stringify(error.report())} ${JSON.stringify(error.detail)} ${error.stack} ${String(error.cause)}`
  assert.ok(!told.includes(SECRET), `a secret is told: ${told}`)
  assert.ok(!told.includes('/send'), `a URL is told: ${told}`)
  return error
}

export async function unavailable(promise: Promise<unknown>, written: 'no' | 'perhaps', reason: RegExp): Promise<void> {
  const error = await failure(promise)
  assert.equal(error.code, 'KEFU_PLATFORM_UNAVAILABLE', error.message)
  assert.match(error.message, reason)
  assert.equal(error.detail.written, written, error.message)
  assert.equal(isUnwritten(error), written === 'no')
}

export function text(response: PlatformResponse): string {
  return Buffer.from(response.bytes).toString()
}

export function ignore(_socket: Socket): void {}

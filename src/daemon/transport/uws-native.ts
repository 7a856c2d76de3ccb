import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** What kefu uses of the native module; the package's own types lack `close`, the listen options and booleans where it reads booleans. */
export type UwsModule = {
  App(): UwsApp
  readonly DISABLED: number
  readonly LIBUS_LISTEN_EXCLUSIVE_PORT: number
  us_listen_socket_close(socket: UwsListenSocket): void
  us_socket_local_port(socket: UwsListenSocket): number
  _cfg(key: 'silent'): void
}

/** A listening socket: only to be handed back. */
export type UwsListenSocket = { readonly brand: 'us_listen_socket' }

/** An app: routes, then `listen`. */
export type UwsApp = {
  ws<Data extends object>(pattern: string, behavior: UwsBehavior<Data>): UwsApp
  any(pattern: string, handler: (res: UwsResponse, req: UwsRequest) => void): UwsApp
  listen(host: string, port: number, options: number, done: (socket: UwsListenSocket | false) => void): UwsApp
  /** Cuts every connection of the app. */
  close(): void
}

/** How WebSockets of a route behave. */
export type UwsBehavior<Data extends object> = {
  readonly compression: number
  readonly maxPayloadLength: number
  readonly maxBackpressure: number
  readonly closeOnBackpressureLimit: boolean
  /** Seconds; outside 8 to 960 the process is ended. */
  readonly idleTimeout: number
  readonly sendPingsAutomatically: boolean
  upgrade(res: UwsResponse, req: UwsRequest, context: object): void
  open(ws: UwsWebSocket & Data): void
  /** `message` is detached when the callback returns. */
  message(ws: UwsWebSocket & Data, message: ArrayBuffer, isBinary: boolean): void
  drain(ws: UwsWebSocket & Data): void
  close(ws: UwsWebSocket & Data, code: number): void
}

/** 0: taken, some of it waits. 1: taken by the kernel. 2: dropped, the limit was passed before. */
export type UwsSendStatus = number

/** Every method throws after the close callback, and after `end` and `close`. */
export type UwsWebSocket = {
  send(data: Uint8Array, isBinary: boolean, compress: boolean): UwsSendStatus
  sendFirstFragment(data: Uint8Array, isBinary: boolean, compress: boolean): UwsSendStatus
  sendFragment(data: Uint8Array, compress: boolean): UwsSendStatus
  sendLastFragment(data: Uint8Array, compress: boolean): UwsSendStatus
  getBufferedAmount(): number
  cork(write: () => void): void
  /** Sends a close frame. The close callback runs inside. */
  end(code: number, reason: string): void
  /** Cuts. The close callback runs inside. */
  close(): void
}

/** A request: readable only until its handler returns. */
export type UwsRequest = {
  getUrl(): string
  getQuery(): string | undefined
  getCaseSensitiveMethod(): string
  forEach(visit: (name: string, value: string) => void): void
}

/** Every method throws after the response was ended, closed or aborted. */
export type UwsResponse = {
  writeStatus(status: string): UwsResponse
  writeHeader(name: string, value: string): UwsResponse
  /** `false`: some of it waits. */
  write(chunk: Uint8Array): boolean
  /** With `shouldClose` a `connection: close` header is added, in the middle of the body when `write` came before. */
  end(body?: Uint8Array | string, shouldClose?: boolean): UwsResponse
  endWithoutBody(): UwsResponse
  /** Sends what the kernel takes of the next bytes of a body of `totalBytes`. */
  tryEnd(chunk: Uint8Array, totalBytes: number): readonly [isTaken: boolean, isDone: boolean]
  getWriteOffset(): number
  onWritable(handler: (offset: number) => boolean): UwsResponse
  onAborted(handler: () => void): UwsResponse
  /** `chunk` is detached when the callback returns. */
  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): UwsResponse
  pause(): void
  resume(): void
  close(): UwsResponse
  cork(write: () => void): UwsResponse
  upgrade<Data extends object>(data: Data, key: string, protocol: string, extensions: string, context: object): void
  getRemoteAddress(): ArrayBuffer
}

/** The native module, or why there is none. */
export type UwsLoad =
  | { readonly isAvailable: true; readonly module: UwsModule }
  | { readonly isAvailable: false; readonly reason: string }

/**
 * Loads the native module when the installed `uWebSockets.js` brings one for this platform and Node (`abi`). The package's entry is not used: where
 * it has no binary, it prints and falls back to a slow imitation.
 */
export function loadUws(abi: string = process.versions.modules): UwsLoad {
  const require = createRequire(import.meta.url)
  const file = `uws_${process.platform}_${process.arch}_${abi}.node`
  let root: string
  try {
    root = dirname(require.resolve('uWebSockets.js/package.json'))
  } catch {
    return { isAvailable: false, reason: 'the package uWebSockets.js is not installed' }
  }
  const path = [join(root, 'binaries', file), join(root, file)].find(candidate => existsSync(candidate))
  if (path === undefined) {
    const system = `Node ${process.versions.node} on ${process.platform} ${process.arch}`
    return { isAvailable: false, reason: `the installed uWebSockets.js has no binary for ${system}` }
  }
  try {
    const module = require(path) as UwsModule
    module._cfg('silent')
    return { isAvailable: true, module }
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : String(error)
    return { isAvailable: false, reason: `the binary of uWebSockets.js does not load here (${reason})` }
  }
}

import { CLOSE } from '../../codec/close-codes.js'
import { encodeFrame, type Frame } from '../../codec/frame.js'
import { type ClientFrame, SOCKET_PATH } from '../../codec/wire.js'
import { parseClientFrame } from '../../codec/wire-schema.js'
import { isKefuError, KefuError, toKefuError } from '../../errors.js'
import type { GatewayPort, SessionEvents, SessionId } from '../core/ports.js'
import type { Socket, UpgradeDecision, UpgradeRequest } from '../transport/port.js'
import { chooseSubprotocol, type Subprotocol } from './subprotocol.js'

/** Bounds of a gateway. */
export type GatewayOptions = {
  /** Bytes waiting for a peer from which on the engine is told to stop until it has read. */
  readonly highWaterBytes: number
  /** Frames that decode but do not fit the schema, after which a socket is closed. */
  readonly invalidFrameLimit: number
}

/** The socket side of the transport's handlers. */
export type Gateway = GatewayPort & {
  upgrade(request: UpgradeRequest): UpgradeDecision
  opened(socket: Socket): void
  message(socket: Socket, bytes: Buffer, isBinary: boolean): void
  drained(socket: Socket): void
  closed(socket: Socket): void
}

/** What a gateway keeps for a socket. */
type Connection = {
  id: SessionId
  readonly subprotocol: Subprotocol
  readonly origin: string | undefined
  /** A valid hello has come. Until then anything else ends the connection. */
  saidHello: boolean
  invalidFrames: number
  closing: boolean
}

/**
 * Maps sockets to sessions: checks the upgrade, decodes and validates frames, encodes answers. Knows no tokens and no conversations.
 * The engine behind `events` may be in this process or at the other end of a pipe.
 */
export function createGateway(events: SessionEvents, options: GatewayOptions): Gateway {
  const sockets = new Map<SessionId, Socket>()
  let origins: ReadonlySet<string> = new Set()
  let lastId: SessionId = 0

  function refuse(socket: Socket, connection: Connection, error: KefuError, correlation: number, close: boolean): void {
    const report = error.peerReport()
    socket.send(connection.subprotocol.encode(encodeFrame(0, 'error', correlation, report)))
    if (!close) return
    connection.closing = true
    socket.close(CLOSE.protocolError, report.code)
  }

  return {
    upgrade(request) {
      if (request.path !== SOCKET_PATH)
        return { accept: false, status: 404, message: `the socket is at ${SOCKET_PATH}` }
      const { origin } = request
      if (origin !== undefined && !origins.has(origin)) {
        return {
          accept: false,
          status: 403,
          message: new KefuError('KEFU_ORIGIN_REFUSED', { origin: origin.slice(0, 200) }).message,
        }
      }
      const subprotocol = chooseSubprotocol(request.subprotocols)
      if (subprotocol === undefined)
        return { accept: false, status: 400, message: 'offer the subprotocol kefu.v1 or kefu.v1.json' }
      const context: Connection = { id: 0, subprotocol, origin, saidHello: false, invalidFrames: 0, closing: false }
      return { accept: true, subprotocol: subprotocol.name, context }
    },

    opened(socket) {
      const connection = socket.context as Connection
      connection.id = ++lastId
      sockets.set(connection.id, socket)
      events.opened(connection.id, { remoteAddress: socket.remoteAddress, origin: connection.origin })
    },

    message(socket, bytes, isBinary) {
      const connection = socket.context as Connection
      if (connection.closing) return
      const usual = connection.subprotocol.decodeMessage(bytes, isBinary)
      if (usual !== undefined) {
        events.frame(connection.id, usual)
        return
      }
      let frame: Frame
      try {
        frame = connection.subprotocol.decode(bytes, isBinary)
      } catch (error) {
        refuse(socket, connection, toKefuError(error), 0, true)
        return
      }
      let valid: ClientFrame
      try {
        valid = parseClientFrame(frame)
      } catch (error) {
        const isFatal = !connection.saidHello || isKefuError(error, 'KEFU_FRAME_UNEXPECTED')
        refuse(
          socket,
          connection,
          toKefuError(error),
          frame.correlation,
          isFatal || ++connection.invalidFrames > options.invalidFrameLimit,
        )
        return
      }
      if (valid.kind === 'hello') connection.saidHello = true
      events.frame(connection.id, connection.subprotocol.carriesZstd ? valid : withoutZstd(valid))
    },

    drained(socket) {
      events.drained((socket.context as Connection).id)
    },

    closed(socket) {
      const { id } = socket.context as Connection
      sockets.delete(id)
      events.closed(id)
    },

    send(session, frames) {
      const socket = sockets.get(session)
      if (socket === undefined) return true
      const { subprotocol } = socket.context as Connection
      if (frames.length === 1) socket.send(subprotocol.encode(frames[0]!))
      else {
        socket.cork(() => {
          for (const frame of frames) socket.send(subprotocol.encode(frame))
        })
      }
      return socket.bufferedBytes < options.highWaterBytes
    },

    bufferedBytes: session => sockets.get(session)?.bufferedBytes ?? 0,

    close(session, code, reason) {
      const socket = sockets.get(session)
      if (socket === undefined) return
      const connection = socket.context as Connection
      connection.closing = true
      socket.close(code, reason)
    },

    allowOrigins(allowed) {
      origins = allowed
    },
  }
}

function withoutZstd(frame: ClientFrame): ClientFrame {
  return frame.kind === 'hello' ? { ...frame, body: { ...frame.body, zstd: false } } : frame
}

/** Largest payload of one WebSocket frame that leaves; uWebSockets.js 20.30 can lose the payload of frames from 16 KiB on. */
export const FRAME_LIMIT_BYTES = 15 * 1024

/** HTTP connections on which nothing happens, headers that do not arrive and readers that stall are cut after this long. */
export const HTTP_STALL_MS = 10_000

/** A request body must bring this many bytes in each `HTTP_STALL_MS`, or the connection is cut. */
export const BODY_FLOOR_BYTES = 160 * 1024

/** Body bytes kept for a handler that has not asked for them yet; then the connection is not read. */
export const BODY_AHEAD_BYTES = 64 * 1024

/** How long an unwanted body is still read and thrown away, so that the peer gets to see the answer. */
export const LINGER_MS = 5_000

/** How long a peer may take to answer a close frame (uWebSockets.js: 4 to 16 s, by the idle timeout). */
export const CLOSE_TIMEOUT_MS = 5_000

/** How long peers may take to answer the close frames of `Listener.close`; then what is left of their connections is cut. */
export const LISTENER_CLOSE_MS = 1_000

/** WebSocket close codes that the transport itself uses. */
export const CLOSE = { goingAway: 1001, noStatus: 1005, abnormal: 1006, overflow: 1013 } as const

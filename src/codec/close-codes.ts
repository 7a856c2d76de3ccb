/** WebSocket close codes of the protocol (RFC 6455 section 7.4; 4000 and up are kefu's own). */
export const CLOSE = {
  /** The server is restarting: connect again. */
  restarting: 1012,
  /** The peer read too slowly: connect again and resume. */
  slowConsumer: 1013,
  /** The peer broke the protocol. */
  protocolError: 4400,
  /** The token or signature was not accepted. */
  unauthorised: 4401,
  /** The page's origin is not among the channel's. */
  originRefused: 4403,
  /** The hello names no web channel. */
  channelNotFound: 4404,
  /** No hello in time. */
  helloTimeout: 4408,
  /** Far too many frames or attempts. */
  tooMany: 4429,
} as const

/** What both sides of the control socket agree on. */

/** Version of the control protocol; another one is refused. */
export const CONTROL_PROTOCOL = 1

/** Header of requests and answers with the control protocol's version. A request without it (curl) is taken. */
export const PROTOCOL_HEADER = 'kefu-protocol'

/** Header of answers with the daemon's version. */
export const VERSION_HEADER = 'kefu-version'

/** Media type of streams: one JSON document per line. */
export const STREAM_TYPE = 'application/x-ndjson'

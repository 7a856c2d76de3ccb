/** What went wrong below HTTP, by the code of the system, of OpenSSL or of Node. */
const WORDS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name could not be looked up',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'there is no way to the host',
  ENETUNREACH: 'there is no way to the network',
  EPROTO: 'TLS failed',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by somebody unknown',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by somebody unknown',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is signed by somebody unknown',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  HPE_HEADER_OVERFLOW: 'the headers of the answer are too large',
}

/** A failed connection in words. Messages of errors are not used: they may hold what was sent. */
export function wordsOfFailure(error: Error): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === undefined || !/^[A-Z][A-Z0-9_]{1,60}$/.test(code)) return 'the connection failed'
  return (
    WORDS[code] ?? (code.startsWith('HPE_') ? `the answer is not HTTP (${code})` : `the connection failed (${code})`)
  )
}

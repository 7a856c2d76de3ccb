import { KefuError } from '../../errors.js'

const URL_LENGTH = 2_048

/** The address of a program that kefu calls, in its one spelling. Throws `KEFU_USAGE` for one that is none, or that holds a password. */
export function endpointUrl(text: string): string {
  const url = text.length <= URL_LENGTH && URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw usage('an endpoint is a URL with http: or https:')
  if (url.username !== '' || url.password !== '')
    throw usage('an endpoint has no user and no password in its URL: its calls are signed')
  url.hash = ''
  return url.href
}

function usage(reason: string): KefuError {
  return new KefuError('KEFU_USAGE', { reason })
}

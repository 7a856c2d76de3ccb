/** Reads of request headers that choose what a file is answered with. Malformed headers count as absent, as HTTP asks for. */

/** The part of a file that is asked for: both ends inclusive. */
export type ByteRange = { readonly first: number; readonly last: number }

const RANGE = /^bytes=(\d{0,15})-(\d{0,15})$/

/** What a `Range` header asks for: `whole` when absent, malformed or several ranges; `none` when nothing of it is within the file. */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | 'whole' | 'none' {
  const [, from, to] = RANGE.exec(header?.trim() ?? '') ?? []
  if (from === undefined || to === undefined || (from === '' && to === '')) return 'whole'
  if (from === '') {
    const length = Math.min(Number(to), sizeBytes)
    return length === 0 ? 'none' : { first: sizeBytes - length, last: sizeBytes - 1 }
  }
  const first = Number(from)
  if (to !== '' && Number(to) < first) return 'whole'
  if (first >= sizeBytes) return 'none'
  return { first, last: to === '' ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1) }
}

/** Whether an `If-None-Match` header names the entity tag (weak comparison) or any (`*`). */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  return header.split(',').some(part => {
    const tag = part.trim()
    return tag === '*' || tag === etag || tag === `W/${etag}`
  })
}

/** Whether an `Accept-Encoding` header names zstd with a quality other than 0. `*` does not count: such clients rarely mean it. */
export function acceptsZstd(header: string | undefined): boolean {
  return (header ?? '').split(',').some(part => {
    const [name = '', ...parameters] = part.split(';').map(each => each.trim().toLowerCase())
    return name === 'zstd' && !parameters.some(parameter => /^q=0(\.0*)?$/.test(parameter))
  })
}

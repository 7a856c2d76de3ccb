/** A file in a form. */
export type FormFile = { readonly name: string; readonly contentType: string; readonly bytes: Buffer }

const HEAD_END = '\r\n\r\n'

/** The file in a field of a `multipart/form-data` body; undefined when there is none. */
export function formFile(contentType: string | undefined, bytes: Buffer, field: string): FormFile | undefined {
  const boundary = /^multipart\/form-data;.*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType ?? '')
  const mark = boundary?.[1] ?? boundary?.[2]
  if (mark === undefined) return undefined
  let at = bytes.indexOf(`--${mark}`)
  while (at >= 0) {
    const start = at + mark.length + 4
    const headEnd = bytes.indexOf(HEAD_END, start)
    const end = bytes.indexOf(`\r\n--${mark}`, start)
    if (headEnd < 0 || end < 0 || headEnd > end) return undefined
    const head = bytes.toString('utf8', start, headEnd)
    if (new RegExp(`[; ]name="?${field}"?(;|\\s|$)`, 'i').test(head)) {
      return {
        name: /filename="([^"]{0,200})"/i.exec(head)?.[1] ?? '',
        contentType: /^content-type:\s*([^\r\n]{1,100})/im.exec(head)?.[1] ?? 'application/octet-stream',
        bytes: Buffer.from(bytes.subarray(headEnd + HEAD_END.length, end)),
      }
    }
    at = end + 2
  }
  return undefined
}

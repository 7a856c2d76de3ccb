import { jsonFields } from '../../../platform/json-fields.js'

/** Where a file is on the platform: its media id, and a link in case that fails. */
export type FileSource = { readonly id?: string | undefined; readonly url?: string | undefined }

const ID_LIMIT = 512

/** A source as events carry it; undefined when there is neither an id nor a link. */
export function formatSource({ id, url }: FileSource): string | undefined {
  const isKnown = id !== undefined && id.length <= ID_LIMIT
  return isKnown || url !== undefined ? JSON.stringify({ ...(isKnown && { id }), url }) : undefined
}

/** The other way round; a source without anything for a text that is none. */
export function parseSource(text: string): FileSource {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return {}
  }
  const { id, url } = jsonFields(value)
  return { ...(typeof id === 'string' && { id }), ...(typeof url === 'string' && { url }) }
}

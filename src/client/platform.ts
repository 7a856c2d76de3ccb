import type { ZstdLimits } from '../codec/zstd-bound.js'

/** Inflates the body of a compressed frame. Must bound its output itself. */
export type Decompress = (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>

/** Whether this is Node (or something that says so), and not a browser. */
export const isNode: boolean = typeof process === 'object' && typeof process.versions?.node === 'string'

/**
 * Imports a module that only Node has. The name is not written in the `import()` itself, so bundlers for browsers leave the module out.
 * Relative names are relative to this folder.
 */
export function importOnNode(name: string): Promise<unknown> {
  return import(name)
}

/** zstd with the bounds of the wire, on Node; elsewhere there is none. */
export async function loadDecompress(): Promise<Decompress | undefined> {
  if (!isNode) return undefined
  const { decompress, ZSTD_WIRE_LIMITS } = (await importOnNode('../codec/zstd.js')) as {
    decompress(bytes: Uint8Array, limits: ZstdLimits): Promise<Uint8Array>
    readonly ZSTD_WIRE_LIMITS: ZstdLimits
  }
  return bytes => decompress(bytes, ZSTD_WIRE_LIMITS)
}

/** The native functions themselves: the package's own entry drops the level. */
declare module '@mongodb-js/zstd/bindings.js' {
  export function compress(data: Buffer, level?: number): Promise<Buffer>
  export function decompress(data: Buffer): Promise<Buffer>
}

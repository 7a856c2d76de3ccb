import { closeSync, openSync, readSync } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { ByteWriter } from './bytes.js'

/** Bytes that wait in memory before they are written. */
const BUFFER_BYTES = 256 * 1024
/** Bytes after which a file is synced on the way, so that the last sync is no long one. */
const SYNC_BYTES = 8 * 1024 * 1024

/** A new file, written from its beginning to its end. */
export class FileWriter {
  /** What to append to; `drain` writes it. */
  readonly out = new ByteWriter(BUFFER_BYTES)
  readonly path: string
  readonly #file: FileHandle
  #written = 0
  #synced = 0

  private constructor(path: string, file: FileHandle) {
    this.path = path
    this.#file = file
  }

  /** Throws when there is such a file. */
  static async create(path: string): Promise<FileWriter> {
    return new FileWriter(path, await open(path, 'wx', 0o600))
  }

  /** Where the next byte goes. */
  get position(): number {
    return this.#written + this.out.length
  }

  /** Writes what waits when it is much. To be called often. */
  async drain(): Promise<void> {
    if (this.out.length < BUFFER_BYTES) return
    await this.#write()
    if (this.#written - this.#synced < SYNC_BYTES) return
    await this.#file.datasync()
    this.#synced = this.#written
  }

  /** Writes everything; on return it is on disk (fsync), though perhaps not yet under its name. */
  async finish(): Promise<void> {
    await this.#write()
    await this.#file.sync()
    await this.#file.close()
  }

  /** Gives the file up. */
  async discard(): Promise<void> {
    await this.#file.close()
    await rm(this.path, { force: true })
  }

  async #write(): Promise<void> {
    const bytes = this.out.view()
    for (let done = 0; done < bytes.length; )
      done += (await this.#file.write(bytes, done, bytes.length - done, this.#written + done)).bytesWritten
    this.#written += bytes.length
    this.out.clear()
  }
}

/** A finished file. Reads do not give way: the bytes are nearly always in memory, and asking another thread for them takes longer than reading. */
export class FileReader {
  readonly path: string
  readonly #descriptor: number

  constructor(path: string) {
    this.path = path
    this.#descriptor = openSync(path, 'r')
  }

  /** Throws a RangeError where the file ends early. */
  read(position: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length)
    for (let done = 0; done < length; ) {
      const count = readSync(this.#descriptor, bytes, done, length - done, position + done)
      if (count === 0) throw new RangeError('the file ends early')
      done += count
    }
    return bytes
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}

/** Replaces a small file by another one; on return it is on disk under its name, as are all files of the folder. Until then the old one is. */
export async function replaceFile(folder: string, name: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${folder}/${name}.new`
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, `${folder}/${name}`)
  await syncFolder(folder)
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

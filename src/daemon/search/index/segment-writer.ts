import { ByteWriter } from './bytes.js'
import { writePart } from './checksum.js'
import { FileWriter } from './files.js'
import { PostingsBlock } from './postings.js'
import { writeFooter } from './segment-file.js'
import { type BlockFacts, type Chunk, type StoredBlock, type StoredTerms, writeTables } from './segment-tables.js'

/** Writes a segment in the order of its file: for each chunk its blocks and then its lists, then the terms in ascending order. */
export class SegmentWriter {
  readonly #file: FileWriter
  readonly #blocks: StoredBlock[] = []
  readonly #chunks: Chunk[] = []
  readonly #terms: StoredTerms[] = []
  readonly #postings = new PostingsBlock()
  readonly #part = new ByteWriter(1 << 16)
  #chunkBlock = 0

  private constructor(file: FileWriter) {
    this.#file = file
  }

  /** Throws what the system throws, also when there is such a file. */
  static async create(path: string): Promise<SegmentWriter> {
    return new SegmentWriter(await FileWriter.create(path))
  }

  /** Blocks that were added. */
  get blockCount(): number {
    return this.#blocks.length
  }

  /** Adds a block as the part that it is stored as. */
  addBlock({ firstSeq, leastAt, mostAt, kinds, directions }: BlockFacts, part: Uint8Array): void {
    const { position: offset, out } = this.#file
    out.put(part)
    this.#blocks.push({ firstSeq, leastAt, mostAt, kinds, directions, offset, length: part.length })
  }

  /** Ends a chunk: the lists of the blocks since the last one, as they are stored. */
  endChunk(conversations: number, pages: Uint8Array, agents: Uint8Array): void {
    const conversationsOffset = this.#file.position
    this.#file.out.put(pages)
    const agentsOffset = this.#file.position
    this.#file.out.put(agents)
    const [firstBlock, agentsLength] = [this.#chunkBlock, agents.length]
    this.#chunks.push({ firstBlock, conversationsOffset, conversations, agentsOffset, agentsLength })
    this.#chunkBlock = this.#blocks.length
  }

  /** Adds a term with its groups, the first `count` of `groups`. Terms ascend. */
  addTerm(term: number, groups: Int32Array, count: number): void {
    this.#postings.add(term, groups, count)
    if (this.#postings.isFull) this.#endTerms()
  }

  /** Writes what waits in memory, when it is much. */
  drain(): Promise<void> {
    return this.#file.drain()
  }

  /** Writes the rest; on return the file is on disk. How many bytes it has. */
  async finish(sum: { readonly docs: number; readonly textBytes: number; readonly lastSeq: number }): Promise<number> {
    if (this.#postings.count > 0) this.#endTerms()
    const { docs, textBytes, lastSeq } = sum
    this.#part.clear()
    writeTables(
      { docs, textBytes, lastSeq, blocks: this.#blocks, chunks: this.#chunks, terms: this.#terms },
      this.#part,
    )
    const tablesOffset = this.#file.position
    writeFooter(tablesOffset, writePart(this.#part.view(), this.#file.out), this.#file.out)
    const bytes = this.#file.position
    await this.#file.finish()
    return bytes
  }

  /** Removes the file. */
  discard(): Promise<void> {
    return this.#file.discard()
  }

  #endTerms(): void {
    const { first } = this.#postings
    this.#part.clear()
    this.#postings.writeTo(this.#part)
    const offset = this.#file.position
    this.#terms.push({ first, offset, length: writePart(this.#part.view(), this.#file.out) })
  }
}

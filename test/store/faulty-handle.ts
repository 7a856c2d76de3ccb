import { type Handle, type OpenHandle, openHandle } from '../../src/daemon/store/level/database.js'

/** What a disk does with a write: takes it, refuses it, takes it and says that it did not, or takes it and does not answer. */
export type DiskMode = 'works' | 'refuses' | 'lies' | 'stalls'

/** A disk whose writes can be made to fail. Everything else is the real LevelDB. */
export class FaultyDisk {
  mode: DiskMode = 'works'
  /** Message of the errors. */
  errorText = 'IO error: injected'
  /** The write from which on all are refused. */
  refusesFrom = Number.POSITIVE_INFINITY
  /** Whether the folder can be opened at all. */
  canOpen = true
  opens = 0
  /** Writes that have begun. */
  writes = 0
  #stalled: (() => void)[] = []

  readonly open: OpenHandle = async (folder, limits) => {
    this.opens++
    if (!this.canOpen) throw new Error('IO error: cannot be opened, as the test wants')
    const handle = await openHandle(folder, limits)
    const makeBatch = handle.batch.bind(handle) as () => ReturnType<Handle['batch']>
    Object.defineProperty(handle, 'batch', {
      value: () => {
        const batch = makeBatch()
        const write = batch.write.bind(batch) as (options: object) => Promise<void>
        const faulty = async (options: object) => {
          this.writes++
          if (this.mode === 'refuses' || this.writes >= this.refusesFrom) throw new Error(this.errorText)
          await write(options)
          if (this.mode === 'stalls') await new Promise<void>(resolve => this.#stalled.push(resolve))
          if (this.mode === 'lies') throw new Error(this.errorText)
        }
        Object.defineProperty(batch, 'write', { value: faulty })
        return batch
      },
    })
    return handle
  }

  /** Writes that wait for an answer. */
  get stalled(): number {
    return this.#stalled.length
  }

  /** Works again, and answers the writes that wait. */
  release(): void {
    this.mode = 'works'
    for (const go of this.#stalled.splice(0)) go()
  }
}

import type { z } from 'zod'
import { isKefuError, KefuError } from '../../../errors.js'
import type { DirectoryPort, Entry } from '../../core/ports.js'

/** A change that is durable. `before` is what it was, `value` what it is; removed entries have no `value`, new ones no `before`. */
export type RegistryChange<T> =
  | { readonly type: 'added'; readonly value: T }
  | { readonly type: 'changed'; readonly before: T; readonly value: T }
  | { readonly type: 'removed'; readonly before: T }

type Present<T> = { readonly value: T; readonly revision: number }

/**
 * Named entries of the directory under one prefix, all in memory, for look-ups that must not wait. Changes are durable before they are visible,
 * run one after the other, and are told to every listener in order.
 */
export class Registry<T extends { readonly name: string }> {
  readonly #directory: DirectoryPort
  readonly #prefix: string
  readonly #schema: z.ZodType<T>
  readonly #entries = new Map<string, Present<T>>()
  readonly #listeners = new Set<(change: RegistryChange<T>) => void>()
  #sorted: readonly T[] = []
  #last: Promise<unknown> = Promise.resolve()

  private constructor(directory: DirectoryPort, prefix: string, schema: z.ZodType<T>) {
    this.#directory = directory
    this.#prefix = prefix
    this.#schema = schema
  }

  /** Reads what is stored. Throws `KEFU_STORE_CORRUPT` for an entry that is not of the schema. */
  static async load<T extends { readonly name: string }>(
    directory: DirectoryPort,
    prefix: string,
    schema: z.ZodType<T>,
  ): Promise<Registry<T>> {
    const registry = new Registry<T>(directory, prefix, schema)
    for (const entry of await directory.list(prefix)) {
      const present = registry.#parse(entry)
      registry.#entries.set(present.value.name, present)
    }
    registry.#sort()
    return registry
  }

  get(name: string): T | undefined {
    return this.#entries.get(name)?.value
  }

  /** All, by name. The same array until something changes. */
  list(): readonly T[] {
    return this.#sorted
  }

  /** Calls back after every change; the callback must not throw. Returns the function that ends it. */
  onChange(callback: (change: RegistryChange<T>) => void): () => void {
    this.#listeners.add(callback)
    return () => this.#listeners.delete(callback)
  }

  /** Runs a step that reads and then changes, after all earlier ones and before all later ones. */
  exclusive<R>(step: () => Promise<R>): Promise<R> {
    const run = this.#last.then(step, step)
    this.#last = run
    return run
  }

  /** Inside `exclusive`. Throws what the directory throws. */
  async create(value: T): Promise<void> {
    const revision = await this.#attempt(value.name, key => this.#directory.create(key, value))
    this.#entries.set(value.name, { value, revision })
    this.#changed({ type: 'added', value })
  }

  /** Inside `exclusive`, for an entry that exists. Throws what the directory throws. */
  async update(value: T): Promise<void> {
    const present = this.#present(value.name)
    const revision = await this.#attempt(value.name, key => this.#directory.update(key, value, present.revision))
    this.#entries.set(value.name, { value, revision })
    this.#changed({ type: 'changed', before: present.value, value })
  }

  /** Inside `exclusive`, for an entry that exists. Throws what the directory throws. */
  async remove(name: string): Promise<void> {
    const present = this.#present(name)
    await this.#attempt(name, key => this.#directory.remove(key, present.revision))
    this.#entries.delete(name)
    this.#changed({ type: 'removed', before: present.value })
  }

  /**
   * A change that failed without the store knowing whether it was written may turn out to be. Then what is known here is not what is stored, and the next
   * change is refused: the entry is read again, so that the one after it finds what there is.
   */
  async #attempt<R>(name: string, change: (key: string) => Promise<R>): Promise<R> {
    const key = `${this.#prefix}${name}`
    try {
      return await change(key)
    } catch (error) {
      if (isKefuError(error, 'KEFU_DIRECTORY_CONFLICT') || isKefuError(error, 'KEFU_DIRECTORY_EXISTS'))
        this.#adopt(name, await this.#directory.get(key))
      throw error
    }
  }

  #adopt(name: string, entry: Entry | null): void {
    const before = this.#entries.get(name)
    if (entry === null) {
      this.#entries.delete(name)
      if (before !== undefined) this.#changed({ type: 'removed', before: before.value })
      return
    }
    if (entry.revision === before?.revision) return
    const present = this.#parse(entry)
    const { value } = present
    this.#entries.set(name, present)
    this.#changed(before === undefined ? { type: 'added', value } : { type: 'changed', before: before.value, value })
  }

  #parse({ key, value, revision }: Entry): Present<T> {
    const parsed = this.#schema.safeParse(value)
    if (!parsed.success || `${this.#prefix}${parsed.data.name}` !== key)
      throw new KefuError('KEFU_STORE_CORRUPT', { where: `directory entry ${key}` })
    return { value: parsed.data, revision }
  }

  #present(name: string): Present<T> {
    const present = this.#entries.get(name)
    if (present === undefined) throw new KefuError('KEFU_DIRECTORY_CONFLICT', { key: `${this.#prefix}${name}` })
    return present
  }

  #changed(change: RegistryChange<T>): void {
    this.#sort()
    for (const listener of this.#listeners) listener(change)
  }

  #sort(): void {
    const values = Array.from(this.#entries.values(), entry => entry.value)
    this.#sorted = values.sort((a, b) => (a.name < b.name ? -1 : 1))
  }
}

import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto'
import type { RandomBytes } from '../core/ordered-id.js'

/** Bytes of a master key. */
export const MASTER_KEY_BYTES = 32

const NONCE_BYTES = 12
const TAG_BYTES = 16
const VERSION = '1'
const DIGEST_LENGTH = 8

/** A sealed value: nothing of it is secret. The box is the ciphertext and its tag. */
export type Sealed = { readonly key: string; readonly nonce: Uint8Array; readonly box: Uint8Array }

/** What a sealed value belongs to: a kind of thing and its names. At another place it cannot be opened. */
export type SealedPlace = readonly string[]

/**
 * A master key: it seals, opens and compares, and is never told. From it come, by HKDF-SHA-256, a key for AES-256-GCM, one for digests, and its id,
 * by which a sealed value says which key opens it.
 */
export class MasterKey {
  readonly #bytes: Uint8Array
  readonly #sealing: Uint8Array
  readonly #digesting: Uint8Array
  /** 16 hex digits; two keys with one id do not happen by chance. */
  readonly id: string

  constructor(bytes: Uint8Array) {
    if (bytes.length !== MASTER_KEY_BYTES) throw new RangeError('a master key has 32 bytes')
    this.#bytes = bytes.slice()
    this.#sealing = this.#derived('seal', 32)
    this.#digesting = this.#derived('digest', 32)
    this.id = Buffer.from(this.#derived('id', 8)).toString('hex')
  }

  /** Seals a text under a nonce of its own. */
  seal(place: SealedPlace, text: string, random: RandomBytes): Sealed {
    return this.#seal(place, Buffer.from(text, 'utf8'), random)
  }

  /** The text; undefined when it was sealed under another key or for another place, or when a bit of it is not as it was. */
  open(place: SealedPlace, sealed: Sealed): string | undefined {
    return this.#open(place, sealed)?.toString('utf8')
  }

  /** Seals another master key, so that whoever has this one has that one. */
  sealKey(place: SealedPlace, key: MasterKey, random: RandomBytes): Sealed {
    return this.#seal(place, key.#bytes, random)
  }

  /** The master key that was sealed; undefined as with `open`. */
  openKey(place: SealedPlace, sealed: Sealed): MasterKey | undefined {
    const bytes = this.#open(place, sealed)
    return bytes?.length === MASTER_KEY_BYTES ? new MasterKey(bytes) : undefined
  }

  /** The first 8 hex digits of a keyed hash: the same for the same text, and of no use without the key. */
  digest(text: string): string {
    return createHmac('sha256', this.#digesting).update(text, 'utf8').digest('hex').slice(0, DIGEST_LENGTH)
  }

  #seal(place: SealedPlace, plain: Uint8Array, random: RandomBytes): Sealed {
    const nonce = random(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#sealing, nonce, { authTagLength: TAG_BYTES })
    cipher.setAAD(boundTo(place, this.id))
    const box = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    return { key: this.id, nonce, box }
  }

  #open(place: SealedPlace, { key, nonce, box }: Sealed): Buffer | undefined {
    if (key !== this.id || nonce.length !== NONCE_BYTES || box.length < TAG_BYTES) return undefined
    const decipher = createDecipheriv('aes-256-gcm', this.#sealing, nonce, { authTagLength: TAG_BYTES })
    decipher.setAAD(boundTo(place, key))
    decipher.setAuthTag(box.subarray(box.length - TAG_BYTES))
    try {
      return Buffer.concat([decipher.update(box.subarray(0, box.length - TAG_BYTES)), decipher.final()])
    } catch {
      // The tag does not fit; that is all there is to say.
      return undefined
    }
  }

  #derived(purpose: string, bytes: number): Uint8Array {
    return new Uint8Array(hkdfSync('sha256', this.#bytes, new Uint8Array(0), `kefu vault ${VERSION} ${purpose}`, bytes))
  }
}

/** As JSON, so that no two places are the same bytes. */
function boundTo(place: SealedPlace, key: string): Buffer {
  return Buffer.from(JSON.stringify(['kefu', VERSION, key, ...place]), 'utf8')
}

import { createHash, randomBytes } from 'node:crypto'
import type { MasterKeys, OpenedKey } from '../../src/daemon/vault/master-keys.js'
import { checkedPassphrase } from '../../src/daemon/vault/passphrase.js'
import { MasterKey } from '../../src/daemon/vault/seal.js'

/** Master keys that are nowhere but here: the present one, and each next one takes its place when it is settled. */
export function keyInMemory(present = randomKey()): MasterKeys & { readonly present: OpenedKey } {
  let key = present
  return {
    get present() {
      return key
    },
    open: async () => key,
    make: async () => key,
    next: async () => {
      const next = randomKey()
      const settle = async () => {
        key = next
      }
      return { ...next, settle, discard: async () => undefined }
    },
  }
}

/** A key as if it had come from a file. */
export function randomKey(): OpenedKey {
  return { key: new MasterKey(randomBytes(32)), kind: 'file' }
}

/** A key of a passphrase at once, where its slowness is not what is tested. */
export async function quickKeyOf(passphrase: string, salt: Uint8Array): Promise<MasterKey> {
  return new MasterKey(createHash('sha256').update(salt).update(checkedPassphrase(passphrase)).digest())
}

import { scrypt } from 'node:crypto'
import { KefuError } from '../../errors.js'
import { MASTER_KEY_BYTES, MasterKey } from './seal.js'

/** Bytes of the salt that goes with a passphrase. */
export const SALT_BYTES = 16

/** Characters of a passphrase. */
export const PASSPHRASE_LENGTH = { least: 8, most: 1_024 } as const

/** 128 MiB and some tenths of a second for each guess. They are part of the format: another cost makes another key. */
const COST = { N: 2 ** 17, r: 8, p: 1, maxmem: 192 * 1024 * 1024 } as const

/** The one spelling (NFC) of a passphrase. Throws `KEFU_USAGE` for one that is out of bounds; nothing of it is in the error. */
export function checkedPassphrase(text: string): string {
  const passphrase = text.normalize('NFC')
  const { least, most } = PASSPHRASE_LENGTH
  const { length } = [...passphrase]
  if (length < least || length > most || /\p{Cc}/u.test(passphrase) || !passphrase.isWellFormed())
    throw new KefuError('KEFU_USAGE', {
      reason: `a passphrase has ${least} to ${most} characters on one line, without control characters`,
    })
  return passphrase
}

/** The master key of a passphrase and its salt, by scrypt. */
export function keyOfPassphrase(passphrase: string, salt: Uint8Array): Promise<MasterKey> {
  return new Promise((resolve, reject) => {
    scrypt(Buffer.from(checkedPassphrase(passphrase), 'utf8'), salt, MASTER_KEY_BYTES, COST, (error, bytes) => {
      if (error === null) resolve(new MasterKey(bytes))
      else reject(error)
    })
  })
}

/** What a company has, with what its console shows. */
export type KfEmulatedAccount = {
  readonly corpId: string
  readonly openKfId: string
  readonly secret: string
  readonly token: string
  readonly encodingAesKey: string
}

/** An account of chance, but for what is given. */
export function createKfAccount(
  random: (length: number) => Uint8Array,
  given: Partial<KfEmulatedAccount> = {},
): KfEmulatedAccount {
  const hex = (bytes: number) => Buffer.from(random(bytes)).toString('hex')
  return {
    corpId: `ww${hex(8)}`,
    openKfId: `wk${hex(15)}`,
    secret: hex(21),
    token: hex(12),
    encodingAesKey: hex(22).slice(0, 43),
    ...given,
  }
}

import type { SecretOwner, VaultControlPort } from './vault.js'

/** Removes the credentials of owners that are gone: a crash may have come between the end of an owner and that of its credentials. */
export async function removeStrays(
  vault: Pick<VaultControlPort, 'list' | 'unreadable' | 'removeOwner'>,
  isGone: (owner: SecretOwner) => boolean,
): Promise<void> {
  const owners = new Set([...vault.list(), ...vault.unreadable()].map(({ owner }) => owner))
  for (const owner of owners) if (isGone(owner)) await vault.removeOwner(owner)
}

/** Who writes to whom: one user who writes to two accounts has two conversations. */
export type KfContact = { readonly account: string; readonly user: string }

/** Characters of an id of the platform (`open_kfid`, `external_userid`). Two of them and a colon fit into the id of a contact. */
const PLATFORM_ID = /^[A-Za-z0-9_@.-]{1,63}$/

/** The contact's id, `ACCOUNT:USER`; undefined for ids that are not the platform's. */
export function contactOf(account: string | undefined, user: string | undefined): string | undefined {
  return account !== undefined && user !== undefined && PLATFORM_ID.test(account) && PLATFORM_ID.test(user)
    ? `${account}:${user}`
    : undefined
}

/** Account and user of a contact; undefined for one that `contactOf` did not make. */
export function readContact(contact: string): KfContact | undefined {
  const colon = contact.indexOf(':')
  return colon < 0 ? undefined : { account: contact.slice(0, colon), user: contact.slice(colon + 1) }
}

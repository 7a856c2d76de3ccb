import { z } from 'zod'

/** Header of requests in which a command says who runs it. Nobody proves that; whom the socket lets in is for the mode of its file. */
export const CALLER_HEADER = 'kefu-caller'

/** Who runs a command, as it says itself: number and name of its user, and whoever became that user with sudo. */
export type Caller = { readonly uid?: number; readonly user?: string; readonly sudoUser?: string }

const NAME_LENGTH = 64
const HEADER_LENGTH = 2_048

const name = z.string().min(1).max(NAME_LENGTH)
const caller = z.object({
  uid: z.int().min(0).max(0xffff_ffff).exactOptional(),
  user: name.exactOptional(),
  sudoUser: name.exactOptional(),
})

/** A caller as the value of the header. */
export function callerHeader({ uid, user, sudoUser }: Caller): string {
  const cut = (text: string | undefined) => text?.slice(0, NAME_LENGTH).toWellFormed()
  return encodeURIComponent(JSON.stringify({ uid, user: cut(user), sudoUser: cut(sudoUser) }))
}

/** Who a request says that it is from; nobody in particular where it says nothing that can be understood. */
export function callerOf(header: string | readonly string[] | undefined): Caller {
  if (typeof header !== 'string' || header.length > HEADER_LENGTH) return {}
  try {
    const parsed = caller.safeParse(JSON.parse(decodeURIComponent(header)))
    return parsed.success ? parsed.data : {}
  } catch {
    // Not what a kefu sends.
    return {}
  }
}

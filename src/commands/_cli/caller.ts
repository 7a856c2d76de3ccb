import { userInfo } from 'node:os'
import type { Caller } from '../../daemon/control/caller.js'

/** Who runs this process, and who became that with sudo. */
export function currentCaller({ SUDO_USER }: NodeJS.ProcessEnv): Caller {
  const uid = process.getuid?.()
  const user = userName()
  return {
    ...(uid === undefined ? {} : { uid }),
    ...(user === undefined ? {} : { user }),
    ...(SUDO_USER ? { sudoUser: SUDO_USER } : {}),
  }
}

function userName(): string | undefined {
  try {
    return userInfo().username || undefined
  } catch {
    // A number without a name, as in containers.
    return undefined
  }
}

import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Below the ports that systems give to connections: one of those may be somebody's by the time that a program is started again on it. */
const [FIRST, END] = [10_000, 30_000]
const ATTEMPTS = 50

/** A port of 127.0.0.1 that was free a moment ago, for programs that have to be told theirs, or keep it over a restart. */
export async function freePort(): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const port = randomInt(FIRST, END)
    const server = createServer().listen(port, '127.0.0.1')
    try {
      await once(server, 'listening')
    } catch (error) {
      if (attempt === ATTEMPTS) throw error
      continue
    }
    server.close()
    await once(server, 'close')
    return port
  }
}

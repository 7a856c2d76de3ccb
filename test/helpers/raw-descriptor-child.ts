// Runs out of file descriptors on purpose: started with a low `ulimit -n`, it listens, echoes, and does as its parent says line by line.
import { closeSync, openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { createTransport } from '../../src/daemon/transport/select.js'
import { TEST_OPTIONS } from './raw-transport.js'

const [name, descriptorLimit] = process.argv.slice(2)
const reported: unknown[] = []
const transport = await createTransport(name === 'ws' ? 'ws' : 'uWebSockets.js', {
  onError: error => reported.push(error),
})
const listener = await transport.listen(
  { ...TEST_OPTIONS, descriptorLimit: descriptorLimit === undefined ? undefined : Number(descriptorLimit) },
  {
    upgrade: () => ({ accept: true, subprotocol: '', context: undefined }),
    opened: () => {},
    message: (socket, bytes) => void socket.send(bytes),
    drained: () => {},
    closed: () => {},
    request: () => ({ status: 200, body: 'ok' }),
  },
)
const held: number[] = []

/** Opens files until so many are held; the code of the error that came before, if any. */
function hold(most: number): string | undefined {
  try {
    while (held.length < most) held.push(openSync('/dev/null', 'r'))
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'hog') {
    // What others had open for a moment is free a little later: until nothing more is to be had.
    let code: string | undefined
    for (let before = -1; before < held.length; await delay(100)) {
      before = held.length
      code = hold(Number.POSITIVE_INFINITY)
    }
    console.log(code)
  } else if (line === 'open 40') {
    console.log(hold(40) ?? 'opened')
  } else if (line === 'release') {
    for (const descriptor of held.splice(0)) closeSync(descriptor)
    console.log('released')
  } else if (line === 'end') {
    await listener.close()
    console.log(`closed ${listener.connections}`)
    break
  } else {
    console.log(`port ${listener.port}`)
  }
}
process.exit(0)

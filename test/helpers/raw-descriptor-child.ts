// Runs out of file descriptors on purpose: started with a low `ulimit -n`, it listens, echoes, and does as its parent says line by line.
import { closeSync, openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { createTransport } from '../../src/daemon/transport/select.js'
import { TEST_OPTIONS } from './raw-transport.js'

const [name] = process.argv.slice(2)
const reported: unknown[] = []
const transport = await createTransport(name === 'ws' ? 'ws' : 'uWebSockets.js', {
  onError: error => reported.push(error),
})
const listener = await transport.listen(TEST_OPTIONS, {
  upgrade: () => ({ accept: true, subprotocol: '', context: undefined }),
  opened: () => {},
  message: (socket, bytes) => void socket.send(bytes),
  drained: () => {},
  closed: () => {},
  request: () => ({ status: 200, body: 'ok' }),
})
const held: number[] = []

for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'hog') {
    try {
      for (;;) held.push(openSync('/dev/null', 'r'))
    } catch (error) {
      console.log((error as NodeJS.ErrnoException).code)
    }
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

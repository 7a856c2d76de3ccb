// Tries to listen on a port with a transport and prints the error's code, or `listening`. Arguments: transport, port.
import { createTransport } from '../../src/daemon/transport/select.js'
import { codeOf, TEST_OPTIONS } from './raw-transport.js'

const [name, port] = process.argv.slice(2)
const transport = await createTransport(name === 'ws' ? 'ws' : 'uWebSockets.js')
try {
  const listener = await transport.listen(
    { ...TEST_OPTIONS, port: Number(port) },
    {
      upgrade: () => ({ accept: false, status: 403, message: '' }),
      opened: () => {},
      message: () => {},
      drained: () => {},
      closed: () => {},
      request: () => ({ status: 204 }),
    },
  )
  console.log('listening')
  await listener.close()
} catch (error) {
  console.log(codeOf(error))
}

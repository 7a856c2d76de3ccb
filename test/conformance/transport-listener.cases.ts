import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { ListenOptions, TransportHandlers } from '../../src/daemon/transport/port.js'
import { eventually, rawConnect } from '../helpers/raw-connection.js'
import { nextResponse, rawExchange, rawRequest } from '../helpers/raw-http.js'
import { codeOf, openBench, type Subject, TEST_OPTIONS } from '../helpers/raw-transport.js'
import { OPCODE, rawUpgrade } from '../helpers/raw-ws.js'

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Binding, and how a listener ends. */
export function listenerCases(name: string, subject: Subject): void {
  const transport = subject.factory({ onError: error => assert.fail(String(error)) })
  const handlers = {
    upgrade: () => ({ accept: false, status: 403, message: '' }) as const,
    opened: () => {},
    message: () => {},
    drained: () => {},
    closed: () => {},
    request: () => ({ status: 204 }),
  }

  /** Listens and closes again; a listener that should not be must not keep the process. */
  const tryListening = async (options: Partial<ListenOptions>): Promise<void> => {
    const listener = await transport.listen({ ...TEST_OPTIONS, ...options }, handlers)
    await listener.close()
  }

  describe('listener', { concurrency: true }, () => {
    test('has the name it was asked for', () => {
      assert.equal(transport.name, name)
    })

    test('a taken port is refused, in this process and from another', async t => {
      // A port of its own choice: with port 0 the system lets nobody share it anyhow.
      const bench = await openBench(t, subject, {}, { port: await freePort() })
      assert.equal(bench.port > 0, true)
      assert.equal(bench.listener.host, '127.0.0.1')
      await assert.rejects(tryListening({ port: bench.port }), error => codeOf(error) === 'KEFU_PORT_TAKEN')
      const script = fileURLToPath(new URL('../helpers/raw-listen-child.js', import.meta.url))
      const child = spawn(process.execPath, [script, name, String(bench.port)])
      const output: string[] = []
      child.stdout.on('data', chunk => output.push(String(chunk)))
      await once(child, 'close')
      assert.equal(output.join('').trim(), 'KEFU_PORT_TAKEN')
    })

    test('a port that a foreign server holds is taken', async t => {
      const foreign = createServer().listen(0, '127.0.0.1')
      t.after(() => foreign.close())
      await once(foreign, 'listening')
      const { port } = foreign.address() as AddressInfo
      await assert.rejects(tryListening({ port }), error => codeOf(error) === 'KEFU_PORT_TAKEN')
    })

    test('an address or a port that this machine cannot have is refused with a reason', async () => {
      const cases = [
        { host: '192.0.2.1', port: 0 },
        { host: '127.0.0.1', port: 70_000 },
        { host: '127.0.0.1', port: -1 },
        { host: 'no-such-host.invalid', port: 0 },
      ]
      for (const address of cases) {
        await assert.rejects(tryListening(address), error => {
          assert.equal(codeOf(error), 'KEFU_PORT_REFUSED')
          assert.match(String(error), /cannot listen on .*: ./)
          return true
        })
      }
    })

    test('addresses of IPv4 peers are plain on a listener for both families', async t => {
      const addresses: string[] = []
      const request: TransportHandlers['request'] = ({ remoteAddress }) => {
        addresses.push(remoteAddress)
        return { status: 204 }
      }
      const bench = await openBench(t, subject, { request }, { host: '::' }).catch(error => {
        assert.equal(codeOf(error), 'KEFU_PORT_REFUSED')
      })
      if (bench === undefined) return t.skip('no IPv6 on this machine')
      await rawExchange(bench.port, rawRequest('GET', '/'))
      await rawExchange(bench.port, rawRequest('GET', '/'), undefined, '::1')
      assert.deepEqual(addresses, ['127.0.0.1', '::1'])
    })

    test('an idle timeout outside 8 to 960 s is refused', async () => {
      for (const idleTimeoutSeconds of [0, 7, 961, 9.5, Number.NaN]) {
        await assert.rejects(tryListening({ idleTimeoutSeconds }), error => codeOf(error) === 'KEFU_CONFIG_INVALID')
      }
    })

    test('two listeners of one transport do not know each other', async t => {
      const first = await openBench(t, subject)
      const second = await openBench(t, subject)
      assert.notEqual(first.port, second.port)
      await rawUpgrade(first.port)
      const peer = await rawUpgrade(second.port)
      await first.listener.close()
      peer.sendFrame({ payload: 'x' })
      await eventually('heard', () => second.messages.length === 1)
      assert.equal(second.listener.connections, 1)
    })

    test('stopAccepting leaves what is open', async t => {
      const bench = await openBench(t, subject, {
        message: (socket, bytes) => void socket.send(bytes),
        request: () => ({ status: 200, body: 'ok' }),
      })
      const peer = await rawUpgrade(bench.port)
      const plain = await rawConnect(bench.port)
      plain.write(rawRequest('GET', '/'))
      assert.equal((await nextResponse(plain)).headers.connection?.toLowerCase() === 'close', false)
      await eventually('opened', () => bench.opened.length === 1)
      const running = await rawConnect(bench.port)
      running.write('GET / HTTP/1.1\r\nhost: test\r\n')
      await new Promise(resolve => setTimeout(resolve, 50))
      bench.listener.stopAccepting()
      bench.listener.stopAccepting()
      await assert.rejects(rawConnect(bench.port))
      running.write('\r\n')
      const response = await nextResponse(running)
      assert.equal(response.body.toString(), 'ok')
      assert.equal(response.headers.connection, 'close')
      await running.closed()
      peer.sendFrame({ payload: 'still here' })
      await peer.untilFrames(all => all.length === 1)
      assert.equal(bench.listener.connections, 1)
    })

    test('close ends everything: 1001 for sockets, requests aborted, idle connections gone, port free', async t => {
      let signal: AbortSignal | undefined
      const port = await freePort()
      const request: TransportHandlers['request'] = asked => {
        if (asked.path === '/idle') return { status: 204 }
        signal = asked.signal
        return new Promise(() => {})
      }
      const bench = await openBench(t, subject, { request }, { port })
      assert.equal(bench.port, port)
      const peers = await Promise.all([1, 2, 3].map(() => rawUpgrade(bench.port)))
      const idle = await rawConnect(bench.port)
      idle.write(rawRequest('GET', '/idle'))
      await nextResponse(idle)
      const silent = await rawConnect(bench.port)
      const running = await rawConnect(bench.port)
      running.write(rawRequest('GET', '/running'))
      await eventually('requested', () => signal !== undefined && bench.opened.length === 3)
      for (const peer of peers.slice(1)) {
        void peer
          .untilFrames(all => all.at(-1)?.opcode === OPCODE.close)
          .then(() => peer.sendFrame({ opcode: OPCODE.close, payload: Buffer.from([0x03, 0xe9]) }))
      }
      const closing = bench.listener.close()
      assert.equal(bench.listener.close(), closing)
      await closing
      assert.equal(bench.closed.length, 3)
      assert.equal(
        bench.closed.every(({ code }) => code === 1001),
        true,
      )
      assert.equal(bench.listener.connections, 0)
      assert.equal(signal?.aborted, true)
      await Promise.all([...peers, idle, silent, running].map(connection => connection.closed(4000)))
      for (const peer of peers) assert.equal(peer.frames().at(-1)?.payload.readUInt16BE(), 1001)
      await assert.rejects(rawConnect(bench.port))
      await tryListening({ port })
      assert.deepEqual(bench.reported, [])
    })
  })
}

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { loadUws } from '../../src/daemon/transport/uws-native.js'
import { type RawConnection, rawConnect } from '../helpers/raw-connection.js'
import { nextResponse, rawExchange, rawRequest } from '../helpers/raw-http.js'
import { joinMessages, type RawWebSocket, rawUpgrade } from '../helpers/raw-ws.js'

const SCRIPT = fileURLToPath(new URL('../helpers/raw-descriptor-child.js', import.meta.url))
const DESCRIPTOR_LIMIT = 128

async function echo(peer: RawWebSocket, text: string): Promise<void> {
  peer.sendFrame({ payload: text })
  await peer.untilFrames(frames => joinMessages(frames).at(-1)?.payload.toString() === text)
}

for (const name of ['uWebSockets.js', 'ws']) {
  const load = loadUws()
  const skip = name === 'ws' || load.isAvailable ? false : load.reason

  test(`${name} survives running out of file descriptors`, { skip, timeout: 30_000 }, async t => {
    const command = `ulimit -n ${DESCRIPTOR_LIMIT} && exec "$0" "$1" "$2"`
    const child = spawn('/bin/sh', ['-c', command, process.execPath, SCRIPT, name], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    t.after(() => child.kill('SIGKILL'))
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const say = async (word: string): Promise<string> => {
      child.stdin.write(`${word}\n`)
      const { value, done } = await lines.next()
      assert.notEqual(done, true, `the process ended (${child.exitCode ?? child.signalCode}) at "${word}"`)
      return String(value)
    }

    const port = Number((await say('port')).split(' ')[1])
    const before = await rawUpgrade(port)
    await echo(before, 'before')
    assert.equal(await say('hog'), 'EMFILE')

    const starved = await Promise.all([1, 2, 3, 4, 5].map(() => rawConnect(port)))
    for (const connection of starved) connection.write(rawRequest('GET', '/'))
    for (const word of ['one', 'two', 'three']) await echo(before, word)
    assert.equal(
      starved.every(connection => connection.receivedBytes() === 0),
      true,
    )

    assert.equal(await say('release'), 'released')
    await echo(await rawUpgrade(port), 'a new socket')
    assert.equal((await rawExchange(port, rawRequest('GET', '/'))).body.toString(), 'ok')
    await echo(before, 'after')
    // Those that came meanwhile were refused or get their answer now.
    for (const connection of starved) {
      if (!connection.isClosed) await nextResponse(connection).catch(() => assert.equal(connection.isClosed, true))
      connection.destroy()
    }
    assert.equal(await say('end'), 'closed 0')
  })

  test(`${name} leaves files for others however many connections come and say nothing`, {
    skip,
    timeout: 60_000,
  }, async t => {
    const command = 'ulimit -n 200 && exec "$0" "$1" "$2" 100'
    const child = spawn('/bin/sh', ['-c', command, process.execPath, SCRIPT, name], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    t.after(() => child.kill('SIGKILL'))
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const say = async (word: string): Promise<string> => {
      child.stdin.write(`${word}\n`)
      return String((await lines.next()).value)
    }
    const port = Number((await say('port')).split(' ')[1])
    const before = await rawUpgrade(port)

    const silent: RawConnection[] = []
    t.after(() => {
      for (const connection of silent) connection.destroy()
    })
    for (let i = 0; i < 60; i++) {
      const more = await Promise.allSettled([1, 2, 3, 4, 5].map(() => rawConnect(port)))
      for (const result of more) if (result.status === 'fulfilled') silent.push(result.value)
      await echo(before, `round ${i}`)
    }
    assert.equal(await say('open 40'), 'opened')
    await echo(before, 'crowded')
    assert.equal(await say('release'), 'released')

    // All of them: on a port that the system chose, uWebSockets.js cannot listen again before.
    for (const connection of [before, ...silent.splice(0)]) connection.destroy()
    const after = await eventually(() => rawUpgrade(port))
    await echo(after, 'a new socket')
    assert.equal(await say('end'), 'closed 0')
  })
}

/** The first success within ten seconds. */
async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + 10_000
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (performance.now() > deadline) throw error
      await delay(50)
    }
  }
}

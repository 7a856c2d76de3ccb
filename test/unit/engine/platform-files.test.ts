import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { KefuError } from '../../../src/errors.js'
import { doubtNextWrite } from '../../helpers/doubtful-write.js'
import { PlatformRig, text } from './platform-rig.js'

const image = { type: 'image', source: 'm1' } as const
const longText = text('长'.repeat(5_000))

const notes = async (rig: PlatformRig): Promise<number> => (await rig.store.directory.list('fetch/')).length

/** The files that messages name. */
const named = async (rig: PlatformRig): Promise<string[]> =>
  (await rig.records())
    .flatMap(body => (body.type === 'message' ? body.parts : []))
    .flatMap(part => ('media' in part ? [part.media] : []))

const lost = async (rig: PlatformRig): Promise<unknown[]> =>
  (await rig.records()).flatMap(body => (body.type === 'event' && body.name === 'file-lost' ? [body.data?.media] : []))

/** Has the next append be stored or not, and its caller not know of it. */
function doubtNextAppend(rig: PlatformRig, isStored: boolean): void {
  const { log } = rig.store
  const { append } = log
  log.append = async (...given) => {
    log.append = append
    if (isStored) await append.apply(log, given)
    throw new KefuError('KEFU_STORE_UNAVAILABLE', { reason: 'the disk took too long' })
  }
}

describe('files of a message of which nobody knows whether it is stored', () => {
  test('are fetched and kept by the same process, when the store is back', async () => {
    const rig = await PlatformRig.create()
    const { store } = rig
    const { refusal } = store
    let fetched = 0
    rig.fetchFile = async () => {
      fetched++
      return { bytes: new Uint8Array(1), type: 'image/png' }
    }
    doubtNextAppend(rig, true)
    const refused = new KefuError('KEFU_STORE_UNAVAILABLE', { reason: 'it is being recovered' })
    const event = rig.event('e1', { parts: [image, longText] })
    await assert.rejects(rig.receive(event), { code: 'KEFU_STORE_UNAVAILABLE' })
    Object.assign(store, { refusal: () => refused })
    await rig.pass(30_000)
    assert.deepEqual([fetched, rig.kept, await notes(rig)], [0, [], 2])
    Object.assign(store, { refusal })
    await rig.pass(1_000)
    assert.deepEqual([fetched, [...rig.kept].sort(), await notes(rig)], [1, (await named(rig)).sort(), 0])
    await rig.receive(event)
    await rig.settle()
    assert.deepEqual([fetched, rig.kept.length, await notes(rig)], [1, 2, 0])
    await rig.stop()
  })

  test('are forgotten when there is none, and not looked for after the end', async () => {
    const rig = await PlatformRig.create()
    doubtNextAppend(rig, false)
    await assert.rejects(rig.receive(rig.event('e1', { parts: [image] })), { code: 'KEFU_STORE_UNAVAILABLE' })
    assert.equal(await notes(rig), 1)
    await rig.pass(1_000)
    assert.deepEqual([rig.files.size, await notes(rig)], [0, 0])
    doubtNextAppend(rig, true)
    await assert.rejects(rig.receive(rig.event('e2', { parts: [image] })), { code: 'KEFU_STORE_UNAVAILABLE' })
    await rig.stop()
    await rig.pass(60_000)
    assert.deepEqual([rig.files.size, await notes(rig)], [0, 1])
  })
})

describe('notes of files of which no message was stored', () => {
  test('are removed by the same process when nobody knew whether they were written, and nothing is fetched', async () => {
    const rig = await PlatformRig.create()
    await rig.receive(rig.event('e0'))
    let fetched = 0
    rig.fetchFile = async () => {
      fetched++
      return { bytes: new Uint8Array(1), type: 'image/png' }
    }
    const event = rig.event('e1', { parts: [image, image] })
    // The second of two notes, then the first.
    const { create } = rig.store.directory
    rig.store.directory.create = async (...given) => {
      rig.store.directory.create = create
      const revision = await create.apply(rig.store.directory, given)
      doubtNextWrite(rig.store.directory)
      return revision
    }
    await assert.rejects(rig.receive(event), { code: 'KEFU_STORE_UNAVAILABLE' })
    doubtNextWrite(rig.store.directory)
    await assert.rejects(rig.receive(event), { code: 'KEFU_STORE_UNAVAILABLE' })
    assert.equal(await notes(rig), 3)
    await rig.pass(1_000)
    assert.deepEqual([fetched, rig.files.size, await notes(rig)], [0, 0, 0])
    await rig.receive(event)
    await rig.settle()
    assert.deepEqual([fetched, rig.kept, await notes(rig)], [2, await named(rig), 0])
    await rig.stop()
  })

  test('are removed when the append of the message was not stored, in a conversation that is there, too', async () => {
    const rig = await PlatformRig.create()
    await rig.receive(rig.event('e0'))
    doubtNextAppend(rig, false)
    await assert.rejects(rig.receive(rig.event('e1', { parts: [image] })), { code: 'KEFU_STORE_UNAVAILABLE' })
    await rig.pass(1_000)
    assert.deepEqual([rig.files.size, rig.kept, await notes(rig)], [0, [], 0])
    await rig.stop()
  })

  test('are removed when the store is back that could not remove them', async () => {
    const rig = await PlatformRig.create()
    await rig.receive(rig.event('e1', { parts: [image] }))
    await rig.settle()
    const { directory } = rig.store
    const { remove } = directory
    directory.remove = () => Promise.reject(new KefuError('KEFU_STORE_UNAVAILABLE', { reason: 'slow' }))
    // A copy, whose file nobody needs.
    await rig.receive(rig.event('e1', { parts: [image] }))
    assert.equal(await notes(rig), 1)
    directory.remove = remove
    await rig.pass(1_000)
    assert.deepEqual([rig.kept, await notes(rig)], [await named(rig), 0])
    await rig.stop()
  })
})

describe('files whose notes an earlier process left', () => {
  test('are not fetched when they are here, nor lost when the platform has them no more', async () => {
    const rig = await PlatformRig.create()
    const { directory } = rig.store
    const { remove } = directory
    directory.remove = () => Promise.reject(new KefuError('KEFU_STORE_UNAVAILABLE', { reason: 'slow' }))
    await rig.receive(rig.event('e1', { parts: [image] }))
    await rig.settle()
    await rig.stop()
    assert.deepEqual([rig.kept, await notes(rig)], [await named(rig), 1])
    directory.remove = remove
    rig.fetchFile = () => Promise.reject(new KefuError('KEFU_PLATFORM_REFUSED', { reason: 'expired' }))
    await rig.start()
    await rig.settle()
    assert.deepEqual([rig.files.size, await lost(rig), await notes(rig)], [1, [], 0])
    await rig.stop()
  })

  test('are told of as lost when they are gone, if a message names them', async () => {
    const rig = await PlatformRig.create()
    doubtNextAppend(rig, true)
    await assert.rejects(rig.receive(rig.event('e1', { parts: [longText] })), { code: 'KEFU_STORE_UNAVAILABLE' })
    await rig.stop()
    const conversation = rig.conversation()
    await rig.store.directory.create('fetch/md_00000000000000000000000000', { channel: 1, conversation })
    rig.files.clear()
    await rig.start()
    await rig.settle()
    assert.deepEqual([await lost(rig), await notes(rig)], [await named(rig), 0])
    await rig.stop()
  })

  test('are fetched again when they go before they are kept', async () => {
    const rig = await PlatformRig.create()
    let fetched = 0
    rig.fetchFile = async () => {
      fetched++
      return { bytes: new Uint8Array(1), type: 'image/png' }
    }
    const { files } = rig
    const { set } = files
    files.set = () => files
    await rig.receive(rig.event('e1', { parts: [image] }))
    await rig.settle()
    files.set = set
    assert.deepEqual([fetched, rig.kept, await notes(rig)], [1, [], 1])
    await rig.pass(1_000)
    assert.deepEqual([fetched, rig.kept, await notes(rig)], [2, await named(rig), 0])
    await rig.stop()
  })
})

describe('files on a platform', () => {
  const image = { type: 'image', source: 'm1' } as const

  test('are fetched behind the message that names them', async () => {
    const rig = await PlatformRig.create()
    let isHere = false
    rig.fetchFile = async () => {
      if (!isHere) throw new KefuError('KEFU_PLATFORM_UNAVAILABLE', { reason: 'down', written: 'no' })
      return { bytes: new Uint8Array([1, 2, 3]), type: 'image/png' }
    }
    await rig.receive(rig.event('e1', { parts: [image] }))
    const [, body] = await rig.records()
    const part = body?.type === 'message' ? body.parts[0] : undefined
    assert.ok(part?.type === 'image')
    await rig.settle()
    assert.equal(rig.files.size, 0)
    isHere = true
    await rig.pass(1_000)
    assert.deepEqual([...rig.files.keys()], [part.media])
    assert.deepEqual(await rig.store.directory.list('fetch/'), [])
    await rig.stop()
  })

  test('are fetched after a restart, too; a repeated event fetches nothing more', async () => {
    const rig = await PlatformRig.create()
    rig.fetchFile = () => new Promise(() => undefined)
    await rig.receive(rig.event('e1', { parts: [image] }))
    await rig.receive(rig.event('e1', { parts: [image] }))
    await rig.settle()
    assert.equal((await rig.store.directory.list('fetch/')).length, 1)
    let fetched = 0
    rig.fetchFile = async () => {
      fetched++
      return { bytes: new Uint8Array(1), type: undefined }
    }
    await rig.start()
    await rig.settle()
    assert.deepEqual([fetched, rig.files.size, (await rig.store.directory.list('fetch/')).length], [1, 1, 0])
    await rig.platforms.close()
  })

  test('that hang keep no place from those that can be fetched', async () => {
    const rig = await PlatformRig.create()
    rig.fetchFile = async source => {
      if (source !== 'good') throw new KefuError('KEFU_PLATFORM_UNAVAILABLE', { reason: 'down', written: 'no' })
      return { bytes: new Uint8Array(1), type: undefined }
    }
    for (let each = 0; each < 40; each++)
      await rig.receive(rig.event(`bad${each}`, { parts: [{ type: 'image', source: `bad${each}` }] }))
    for (let second = 0; second < 20; second++) await rig.pass(1_000)
    await rig.receive(rig.event('good', { parts: [{ type: 'image', source: 'good' }] }))
    await rig.settle()
    assert.equal(rig.files.size, 1)
    await rig.stop()
  })

  test('of a channel whose platform answers nothing keep no place from those of others', async () => {
    const rig = await PlatformRig.create()
    const names = ['b', 'c']
    for (const name of names) await rig.channels.add({ kind: 'webhook', name })
    const running: string[] = []
    let end: (() => void) | undefined
    const never = new Promise<void>(resolve => (end = resolve))
    rig.fetchFile = async source => {
      if (source.startsWith('hangs')) {
        running.push(source)
        await never
      }
      return { bytes: new Uint8Array(1), type: undefined }
    }
    const files = (source: string, count: number) =>
      Array.from({ length: count }, (_, at) => rig.event(`${source}${at}`, { parts: [{ type: 'image', source }] }))
    await rig.receive(...files('hangs a', 20))
    await rig.settle()
    assert.equal(running.length, 4)
    await rig.platforms.receive('b', rig.callback(...files('hangs b', 20)))
    await rig.settle()
    assert.deepEqual([running.length, running.filter(source => source === 'hangs b').length], [8, 4])
    await rig.platforms.receive('c', rig.callback(...files('good', 20)))
    await rig.settle()
    assert.deepEqual([rig.files.size, running.length], [20, 8])
    end?.()
    await rig.settle()
    assert.equal(rig.files.size, 60)
    await rig.stop()
  })

  test('are not kept in mind for an event that could not be stored', async () => {
    const rig = await PlatformRig.create()
    const { append } = rig.store.log
    rig.store.log.append = () => Promise.reject(new KefuError('KEFU_STORE_FULL'))
    await assert.rejects(rig.receive(rig.event('e1', { parts: [image, image] })), { code: 'KEFU_STORE_FULL' })
    rig.store.log.append = append
    assert.deepEqual(await rig.store.directory.list('fetch/'), [])
    await rig.stop()
  })

  test('that the platform does not give are told of, once', async () => {
    const rig = await PlatformRig.create()
    rig.fetchFile = async () => {
      throw new KefuError('KEFU_PLATFORM_REFUSED', { reason: 'expired' })
    }
    await rig.receive(rig.event('e1', { parts: [image] }))
    await rig.settle()
    const lost = (await rig.records()).filter(body => body.type === 'event')
    assert.equal(lost.length === 1 && lost[0]?.type === 'event' && lost[0].name, 'file-lost')
    assert.deepEqual(await rig.store.directory.list('fetch/'), [])
    await rig.stop()
  })
})

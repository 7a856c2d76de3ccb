import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { KefuError } from '../../../src/errors.js'
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

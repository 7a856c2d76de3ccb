import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ConversationId } from '../../../src/codec/conversation-id.js'
import type { Command } from '../../../src/codec/wire-commands.js'
import { PERSON_LIMITS } from '../../../src/daemon/core/person.js'
import { isKefuError, KefuError } from '../../../src/errors.js'
import { type Peer, Rig } from './rig.js'

const OPERATOR = { role: 'operator' } as const
const NOT_FOUND = 'KEFU_CONVERSATION_NOT_FOUND'

type Listed = { readonly id: string; readonly conversations: readonly ConversationId[] }

/** Contacts of `site`, each with a conversation. */
async function contacts(count: number): Promise<{
  readonly rig: Awaited<ReturnType<typeof Rig.create>>
  readonly ids: readonly ConversationId[]
}> {
  const rig = await Rig.create()
  const ids: ConversationId[] = []
  for (let i = 0; i < count; i++) {
    const { peer, conversation } = await rig.visitor()
    await rig.say(peer, `m${i}`)
    ids.push(conversation)
  }
  await rig.settle()
  return { rig, ids }
}

const link = (rig: Rig, a: ConversationId, b: ConversationId) =>
  rig.engine.commands.run(a, OPERATOR, { do: 'link', with: b })

const unlink = (rig: Rig, a: ConversationId) => rig.engine.commands.run(a, OPERATOR, { do: 'unlink' })

const personOf = async (rig: Rig, id: ConversationId) => (await rig.store.log.head(id))?.details.person

const entries = async (rig: Rig) => (await rig.store.directory.list('person/')).map(({ value }) => value as Listed)

/** The persons as they count: those of a list whose own logs agree. */
async function persons(rig: Rig): Promise<ConversationId[][]> {
  const found: ConversationId[][] = []
  for (const { id, conversations } of await entries(rig)) {
    const told = await Promise.all(conversations.map(async each => (await personOf(rig, each)) === id))
    found.push(conversations.filter((_, at) => told[at]))
  }
  return found.filter(members => members.length > 0)
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'done'
  } catch (error) {
    assert.ok(isKefuError(error), String(error))
    return error.code
  }
}

describe('merging', () => {
  test('says in every log who did it, once, and lists the conversations with the person', async () => {
    const { rig, ids } = await contacts(3)
    const [a, b, c] = ids as [ConversationId, ConversationId, ConversationId]
    const before = (await rig.store.log.head(a))!.n
    assert.deepEqual(await link(rig, a, b), { conversation: a, n: before + 1, changed: true })
    assert.deepEqual(await link(rig, a, b), { conversation: a, n: before + 1, changed: false })
    assert.deepEqual(await link(rig, b, a), { conversation: b, n: (await rig.store.log.head(b))!.n, changed: false })
    assert.deepEqual(await link(rig, c, a), { conversation: c, n: (await rig.store.log.head(c))!.n, changed: true })
    const person = await personOf(rig, a)
    assert.match(person ?? '', /^p_[0-9A-Z]{26}$/)
    assert.deepEqual(await Promise.all(ids.map(id => personOf(rig, id))), [person, person, person])
    assert.deepEqual(
      (await entries(rig)).map(({ id, conversations }) => [id, conversations.toSorted()]),
      [[person, ids.toSorted()]],
    )
    const last = (await rig.store.log.read(a, 0, 100)).at(-1)!.body
    assert.deepEqual(last, { type: 'linked', by: { role: 'operator' }, person })
    await rig.stop()
  })

  test('joins two persons into one, and nothing is left of the other', async () => {
    const { rig, ids } = await contacts(4)
    const [a, b, c, d] = ids as [ConversationId, ConversationId, ConversationId, ConversationId]
    await link(rig, a, b)
    await link(rig, c, d)
    assert.equal((await entries(rig)).length, 2)
    assert.deepEqual((await link(rig, b, d)).changed, true)
    assert.equal(new Set(await Promise.all(ids.map(id => personOf(rig, id)))).size, 1)
    assert.equal((await entries(rig)).length, 1)
    assert.deepEqual(
      (await persons(rig)).map(each => each.toSorted()),
      [ids.toSorted()],
    )
    await rig.stop()
  })

  test('takes one out again; the last one takes the person with it, and a restart changes nothing', async () => {
    const { rig, ids } = await contacts(2)
    const [a, b] = ids as [ConversationId, ConversationId]
    await link(rig, a, b)
    assert.equal((await unlink(rig, a)).changed, true)
    assert.equal((await unlink(rig, a)).changed, false)
    await rig.stop()
    await rig.start()
    assert.equal(await personOf(rig, a), undefined)
    assert.deepEqual(await persons(rig), [[b]])
    await unlink(rig, b)
    assert.deepEqual(await entries(rig), [])
    assert.equal((await link(rig, b, a)).changed, true)
    await rig.stop()
  })

  test('is refused for what is not there, for itself, and beyond the bound, and changes nothing then', async () => {
    const { rig, ids } = await contacts(2)
    const [a, b] = ids as [ConversationId, ConversationId]
    assert.equal(await codeOf(link(rig, a, 'c_00000000000000000000000000')), NOT_FOUND)
    assert.equal(await codeOf(link(rig, 'c_00000000000000000000000000', a)), NOT_FOUND)
    assert.equal(await codeOf(link(rig, a, a)), 'KEFU_USAGE')
    const app = await rig.greet({ token: rig.appToken })
    const number = app.welcome.channels[0]!.number
    for (let i = 0; i < PERSON_LIMITS.conversations - 1; i++) {
      await rig.say(app.peer, `m${i}`, { contact: `user-${i}` })
      await link(rig, a, rig.tokens.conversationId(number, `user-${i}`))
    }
    const before = await entries(rig)
    assert.equal(await codeOf(link(rig, a, b)), 'KEFU_PERSON_FULL')
    assert.deepEqual([await entries(rig), await personOf(rig, b)], [before, undefined])
    await rig.stop()
  })

  test('that is refused in the middle leaves no person of whom nobody is', async () => {
    const { rig, ids } = await contacts(3)
    const [a, b, c] = ids as [ConversationId, ConversationId, ConversationId]
    const { log } = rig.store
    const { append } = log
    let left = 0
    log.append = async (conversation, bodies, options) => {
      if (bodies[0]?.type === 'linked' && left-- <= 0) throw new KefuError('KEFU_STORE_CORRUPT', { where: 'n 2' })
      return append.call(log, conversation, bodies, options)
    }
    assert.equal(await codeOf(link(rig, a, b)), 'KEFU_STORE_CORRUPT')
    assert.deepEqual(await entries(rig), [])
    left = 1
    assert.equal(await codeOf(link(rig, a, b)), 'KEFU_STORE_CORRUPT')
    assert.deepEqual(await persons(rig), [[b]])
    log.append = append
    assert.equal(await codeOf(link(rig, a, b)), 'done')
    assert.equal(await codeOf(link(rig, c, a)), 'done')
    assert.deepEqual((await persons(rig)).flat().toSorted(), ids.toSorted())
    assert.equal((await entries(rig)).length, 1)
    await rig.stop()
  })

  test('of closed conversations works, and opens none', async () => {
    const { rig, ids } = await contacts(2)
    const [a, b] = ids as [ConversationId, ConversationId]
    for (const id of ids) await rig.engine.commands.run(id, OPERATOR, { do: 'close' })
    await link(rig, a, b)
    assert.equal((await rig.store.log.head(a))?.state, 'closed')
    assert.deepEqual([rig.engine.counts.waiting, (await persons(rig)).length], [0, 1])
    await rig.stop()
  })

  test('leaves who waits in the line, and it is given out as before', async () => {
    const { rig, ids } = await contacts(2)
    const [a, b] = ids as [ConversationId, ConversationId]
    await link(rig, a, b)
    assert.equal(rig.engine.counts.waiting, 2)
    const li = await rig.agent('li')
    await rig.settle()
    assert.deepEqual([(await rig.store.log.head(a))?.agent, (await rig.store.log.head(b))?.agent], [li.id, li.id])
    await rig.stop()
  })

  test('many at once end as one person of all', async () => {
    const { rig, ids } = await contacts(8)
    await Promise.all(ids.map((id, at) => link(rig, id, ids[(at + 1) % ids.length]!)))
    assert.deepEqual(
      (await persons(rig)).map(each => each.toSorted()),
      [ids.toSorted()],
    )
    assert.equal((await entries(rig)).length, 1)
    await rig.stop()
  })
})

/** Lets so many writes of persons and `linked` records through, then fails, as a process does that ends there. */
function failAfter(rig: Rig, writes: number): () => void {
  const { directory, log } = rig.store
  const real = { create: directory.create, update: directory.update, remove: directory.remove, append: log.append }
  let left = writes
  const spend = (): void => {
    if (left-- <= 0) throw new KefuError('KEFU_STORE_UNAVAILABLE')
  }
  directory.create = async (key, ...rest) => {
    if (key.startsWith('person/')) spend()
    return real.create.call(directory, key, ...rest)
  }
  directory.update = async (key, ...rest) => {
    if (key.startsWith('person/')) spend()
    return real.update.call(directory, key, ...rest)
  }
  directory.remove = async (key, ...rest) => {
    if (key.startsWith('person/')) spend()
    return real.remove.call(directory, key, ...rest)
  }
  log.append = async (conversation, bodies, options) => {
    if (bodies[0]?.type === 'linked') spend()
    return real.append.call(log, conversation, bodies, options)
  }
  return () => {
    Object.assign(directory, { create: real.create, update: real.update, remove: real.remove })
    log.append = real.append
  }
}

describe('a process that ends in the middle', () => {
  test('of a merge, after whichever step, leaves nobody with two persons, and the same once more completes it', async () => {
    let writes = 0
    for (let isDone = false; !isDone; writes++) {
      const { rig, ids } = await contacts(6)
      const [a, b, c, d, e] = ids as [ConversationId, ConversationId, ConversationId, ConversationId, ConversationId]
      await link(rig, a, b)
      await link(rig, c, d)
      await link(rig, d, e)
      const heal = failAfter(rig, writes)
      const code = await codeOf(link(rig, a, d))
      isDone = code === 'done'
      heal()
      await rig.stop()
      await rig.start()
      if (!isDone) {
        assert.equal(code, 'KEFU_STORE_UNAVAILABLE')
        const members = (await persons(rig)).flat()
        assert.equal(new Set(members).size, members.length, `after ${writes} writes`)
        assert.equal(members.length, 5, `everybody still has a person, after ${writes} writes`)
        assert.equal(await codeOf(link(rig, a, d)), 'done')
      }
      const joined = (await persons(rig)).map(each => each.toSorted())
      assert.deepEqual(joined, [[a, b, c, d, e].toSorted()], `after ${writes} writes`)
      await rig.stop()
    }
    assert.equal(writes - 1, 5, 'the person, three records, the removal of the other person')
  })

  test('of a first merge leaves both as they were, or one of them; the same once more completes it', async () => {
    for (const writes of [0, 1, 2]) {
      const { rig, ids } = await contacts(2)
      const [a, b] = ids as [ConversationId, ConversationId]
      const heal = failAfter(rig, writes)
      assert.equal(await codeOf(link(rig, a, b)), 'KEFU_STORE_UNAVAILABLE')
      heal()
      await rig.stop()
      await rig.start()
      await link(rig, a, b)
      assert.deepEqual(
        (await persons(rig)).map(each => each.toSorted()),
        [ids.toSorted()],
      )
      await rig.stop()
    }
  })

  test('of a split leaves it out of the person at once, and the same once more completes it', async () => {
    for (const writes of [0, 1]) {
      const { rig, ids } = await contacts(3)
      const [a, b, c] = ids as [ConversationId, ConversationId, ConversationId]
      await link(rig, a, b)
      await link(rig, a, c)
      const heal = failAfter(rig, writes)
      assert.equal(await codeOf(unlink(rig, b)), 'KEFU_STORE_UNAVAILABLE')
      heal()
      await rig.stop()
      await rig.start()
      assert.equal((await persons(rig)).flat().length, 3 - writes)
      await unlink(rig, b)
      assert.equal(await personOf(rig, b), undefined)
      assert.deepEqual(
        (await persons(rig)).map(each => each.toSorted()),
        [[a, c].toSorted()],
      )
      await rig.stop()
    }
  })

  test('what was listed and never told is struck off by the next change', async () => {
    const { rig, ids } = await contacts(4)
    const [a, b, c, d] = ids as [ConversationId, ConversationId, ConversationId, ConversationId]
    await link(rig, a, b)
    const heal = failAfter(rig, 1)
    assert.equal(await codeOf(link(rig, a, c)), 'KEFU_STORE_UNAVAILABLE')
    heal()
    assert.ok((await entries(rig))[0]?.conversations.includes(c))
    await link(rig, d, b)
    assert.deepEqual((await entries(rig))[0]?.conversations.toSorted(), [a, b, d].toSorted())
    assert.equal(await personOf(rig, c), undefined)
    await rig.stop()
  })
})

describe('who may merge', () => {
  async function command(rig: Rig, peer: Peer, command: Command, extra: object): Promise<string> {
    const before = peer.frames.length
    rig.send(peer, 'command', { command, ...extra })
    await rig.settle()
    const answer = peer.frames.slice(before).find(({ kind }) => kind === 'done' || kind === 'error')
    return answer?.kind === 'done' ? 'done' : String(answer?.body.code)
  }

  test('an agent who has the one and may see the other; a foreign one is answered like one that does not exist', async () => {
    const rig = await Rig.create({ strategy: 'manual' })
    const [li, wang, boss] = [await rig.agent('li'), await rig.agent('wang'), await rig.agent('boss')]
    await rig.agents.set('boss', { role: 'supervisor' })
    const visitors = [await rig.visitor(), await rig.visitor(), await rig.visitor()]
    for (const [at, { peer }] of visitors.entries()) await rig.say(peer, `m${at}`)
    await rig.settle()
    const [mine, waiting, foreign] = visitors.map(({ conversation }) => conversation) as [
      ConversationId,
      ConversationId,
      ConversationId,
    ]
    await command(rig, li.peer, { do: 'accept' }, { conversation: mine })
    await command(rig, wang.peer, { do: 'accept' }, { conversation: foreign })
    const unknown = 'c_00000000000000000000000000'
    for (const other of [foreign, unknown]) {
      assert.equal(await command(rig, li.peer, { do: 'link', with: other }, { conversation: mine }), NOT_FOUND)
      assert.equal(await command(rig, li.peer, { do: 'link', with: mine }, { conversation: other }), NOT_FOUND)
      assert.equal(await command(rig, li.peer, { do: 'unlink' }, { conversation: other }), NOT_FOUND)
    }
    const refused = await command(rig, li.peer, { do: 'link', with: mine }, { conversation: waiting })
    assert.equal(refused, 'KEFU_COMMAND_REFUSED', 'it waits: nobody has it')
    assert.deepEqual(await entries(rig), [])
    assert.equal(await command(rig, li.peer, { do: 'link', with: waiting }, { conversation: mine }), 'done')
    const [visitor] = visitors
    assert.equal(await command(rig, visitor!.peer, { do: 'unlink' }, {}), 'KEFU_COMMAND_REFUSED')
    assert.equal(await command(rig, visitor!.peer, { do: 'link', with: foreign }, {}), 'KEFU_COMMAND_REFUSED')
    const app = await rig.greet({ token: rig.appToken })
    await rig.say(app.peer, 'm1', { contact: 'user-1' })
    for (const other of [foreign, unknown])
      assert.equal(
        await command(rig, app.peer, { do: 'link', with: other }, { contact: 'user-1' }),
        'KEFU_COMMAND_REFUSED',
      )
    assert.equal(await command(rig, boss.peer, { do: 'link', with: foreign }, { conversation: waiting }), 'done')
    assert.deepEqual(
      (await persons(rig)).map(each => each.toSorted()),
      [[mine, waiting, foreign].toSorted()],
    )
    assert.equal(await command(rig, wang.peer, { do: 'unlink' }, { conversation: foreign }), 'done')
    await rig.stop()
  })

  test('who may not link is told so at once, however long others take who may', async () => {
    const { rig, ids } = await contacts(2)
    const { peer } = await rig.visitor()
    await rig.say(peer, 'own')
    const { directory } = rig.store
    const create = directory.create.bind(directory)
    let release = (): void => undefined
    const gate = new Promise<void>(resolve => {
      release = resolve
    })
    directory.create = (...given) => gate.then(() => create(...given))
    const linked = link(rig, ids[0]!, ids[1]!)
    await rig.settle()
    assert.equal(await command(rig, peer, { do: 'link', with: ids[0]! }, {}), 'KEFU_COMMAND_REFUSED')
    release()
    assert.equal((await linked).changed, true)
    await rig.stop()
  })
})

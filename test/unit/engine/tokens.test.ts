import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { isConversationId } from '../../../src/codec/conversation-id.js'
import { isMediaId } from '../../../src/daemon/core/media.js'
import { orderedId } from '../../../src/daemon/core/ordered-id.js'
import { createTokens, knownContact, MEDIA_LINK_MS, verifyIdentity } from '../../../src/daemon/engine/session/tokens.js'
import { isKefuError } from '../../../src/errors.js'
import { createManualClock } from '../../helpers/manual-clock.js'
import { fuzzDecoder } from '../../helpers/mutate.js'

const SECRET = Buffer.alloc(32, 7)

function create(secret: Uint8Array = SECRET) {
  const clock = createManualClock()
  return { clock, tokens: createTokens({ secret, clock, random: randomBytes }) }
}

const wellFormed = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 64 }).filter(text => text.isWellFormed())

describe('conversation ids', () => {
  test('are the same for the same channel and contact, and differ for any other pair', () => {
    const { tokens } = create()
    const seen = new Map<string, string>()
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 65535 }), wellFormed, (channel, contact) => {
        const id = tokens.conversationId(channel, contact)
        assert.ok(isConversationId(id))
        assert.equal(create().tokens.conversationId(channel, contact), id)
        const pair = `${channel}/${contact}`
        assert.equal(seen.get(id) ?? pair, pair)
        seen.set(id, pair)
      }),
    )
  })

  test('stay what they are from one version to the next', () => {
    assert.equal(create().tokens.conversationId(3, 'u_alice'), 'c_BFC9PF0Q9337Z05FJ2KRATW0DW')
  })

  test('depend on the secret', () => {
    const other = create(Buffer.alloc(32, 8)).tokens
    assert.notEqual(create().tokens.conversationId(1, 'v_A'), other.conversationId(1, 'v_A'))
  })

  test('refuse a contact that would be mistaken for another once encoded', () => {
    const { tokens } = create()
    assert.throws(
      () => tokens.conversationId(1, 'a\ud800'),
      error => isKefuError(error, 'KEFU_CODEC_INVALID'),
    )
  })
})

describe('visitor tokens', () => {
  test('give back what they were issued for', () => {
    const { tokens, clock } = create()
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 65535 }), wellFormed, fc.boolean(), (channel, id, known) => {
        const contact = known ? knownContact(id) : `v_${id}`
        const token = tokens.issueVisitorToken({ channel, contact, known })
        assert.ok(token.length <= 1024)
        assert.deepEqual(tokens.readVisitorToken(token), { channel, contact, known, issuedAt: clock.now() })
      }),
    )
  })

  test('are refused with any character changed, added or left out', () => {
    const { tokens } = create()
    const token = tokens.issueVisitorToken({ channel: 1, contact: tokens.anonymousContact(), known: false })
    for (let at = 0; at < token.length; at++) {
      for (const character of ['A', 'B', '0', '_', '-', '.', '\u0161', ' ', '\n', '=']) {
        if (token[at] === character) continue
        const changed = token.slice(0, at) + character + token.slice(at + 1)
        assert.equal(tokens.readVisitorToken(changed), undefined, changed)
      }
      assert.equal(tokens.readVisitorToken(token.slice(0, at) + token.slice(at + 1)), undefined)
      assert.equal(tokens.readVisitorToken(`${token.slice(0, at)}A${token.slice(at)}`), undefined)
    }
  })

  test('are refused when made with another secret', () => {
    const token = create(Buffer.alloc(32, 8)).tokens.issueVisitorToken({ channel: 1, contact: 'v_A', known: false })
    assert.equal(create().tokens.readVisitorToken(token), undefined)
  })

  test('are refused as mutated and as a megabyte of garbage', async () => {
    const { tokens } = create()
    const valid = [
      tokens.issueVisitorToken({ channel: 1, contact: tokens.anonymousContact(), known: false }),
      tokens.issueVisitorToken({ channel: 9, contact: knownContact('user-42'), known: true }),
    ]
    const result = await fuzzDecoder({
      name: 'visitor token',
      seed: 11,
      corpus: valid.map(token => Buffer.from(token)),
      decode: bytes => {
        const text = Buffer.from(bytes).toString('latin1')
        const identity = tokens.readVisitorToken(text)
        if (identity === undefined) throw new Error('refused')
        assert.ok(valid.includes(text), 'only what was issued is accepted')
        return identity
      },
      isExpectedError: error => error instanceof Error && error.message === 'refused',
    })
    assert.ok(result.errors > result.values)
    for (const filler of ['A', '.', 'kvt_', '\0', '漢', '\ud800']) {
      const started = performance.now()
      assert.equal(tokens.readVisitorToken(`kvt_${filler.repeat((1024 * 1024) / filler.length)}`), undefined)
      assert.ok(performance.now() - started < 500)
    }
  })

  test('keep known and anonymous contacts apart', () => {
    const { tokens } = create()
    const isInvalid = (error: unknown) => isKefuError(error, 'KEFU_CODEC_INVALID')
    for (const [contact, known] of [
      ['v_A', true],
      ['u_A', false],
      ['A', false],
      ['u_', true],
      ['', false],
      [`u_${'x'.repeat(600)}`, true],
      ['u_\ud800', true],
    ] as const)
      assert.throws(() => tokens.issueVisitorToken({ channel: 1, contact, known }), isInvalid)
    fc.assert(
      fc.property(wellFormed, id =>
        assert.ok(!/^v_[0-9A-Z]{26}$/.test(knownContact(id)), 'an asserted id imitates one'),
      ),
    )
  })
})

describe('ordered ids', () => {
  test('sort by time, are unique, and are never refused by their own check', () => {
    const times = [0, 1, 999, 1_700_000_000_000, 1_700_000_000_001, 2 ** 48 - 1]
    const ids = times.map(time => orderedId('md', time, randomBytes))
    assert.deepEqual([...ids].sort(), ids)
    assert.ok(ids.every(isMediaId))
    const many = new Set(Array.from({ length: 10_000 }, () => orderedId('v', 5, randomBytes)))
    assert.equal(many.size, 10_000)
  })

  test('are the only texts taken for media ids', () => {
    const id = orderedId('md', 1, randomBytes)
    const others = ['', 'md_', `${id}0`, id.slice(0, -1), id.toLowerCase(), `../${id}`, id.replace('md_', 'md/')]
    for (const text of [...others, `md_${'U'.repeat(26)}`, `md_${'.'.repeat(26)}`, `${id.slice(0, -1)}\0`])
      assert.ok(!isMediaId(text), text)
  })
})

describe('identities asserted by a site', () => {
  const secret = 'a secret that the site knows'
  const sign = (id: string, expiresAt: number, key = secret) =>
    createHmac('sha256', key).update(`${id}|${expiresAt}`).digest('hex')

  test('are accepted until they expire', () => {
    const identity = { id: 'alice', expiresAt: 2000, signature: sign('alice', 2000) }
    assert.ok(verifyIdentity(identity, secret, 1999))
    assert.ok(!verifyIdentity(identity, secret, 2000))
  })

  test('are refused with another id, expiry, secret or form of signature', () => {
    const good = { id: 'alice', expiresAt: 2000, signature: sign('alice', 2000) }
    const refused = [
      { ...good, id: 'alicE' },
      { ...good, expiresAt: 2001 },
      { ...good, expiresAt: Number.NaN },
      { ...good, expiresAt: Number.POSITIVE_INFINITY, signature: sign('alice', Number.POSITIVE_INFINITY) },
      { ...good, expiresAt: 2000.5, signature: sign('alice', 2000.5) },
      { ...good, signature: good.signature.slice(0, 63) },
      { ...good, signature: `${good.signature}0` },
      { ...good, signature: '' },
      { ...good, signature: '\u0161'.repeat(64) },
      { ...good, signature: sign('alice', 2000, 'another secret of a site') },
    ]
    for (const identity of refused) assert.ok(!verifyIdentity(identity, secret, 1000), JSON.stringify(identity))
  })

  test('cannot be moved between id and expiry', () => {
    assert.ok(!verifyIdentity({ id: 'a', expiresAt: 2000, signature: sign('a|1', 2000) }, secret, 0))
    assert.ok(verifyIdentity({ id: 'a|1', expiresAt: 2000, signature: sign('a|1', 2000) }, secret, 0))
  })

  test('are refused by a channel without a real secret', () => {
    for (const weak of ['', 'short'])
      assert.ok(!verifyIdentity({ id: 'a', expiresAt: 2000, signature: sign('a', 2000, weak) }, weak, 0))
  })
})

describe('media links', () => {
  const conversation = create().tokens.conversationId(1, 'v_A')
  const media = orderedId('md', 1, randomBytes)

  test('are accepted for ten minutes, for their file only', () => {
    const { tokens, clock } = create()
    const { url, expiresAt } = tokens.mediaUrl(conversation, media)
    assert.equal(expiresAt, clock.now() + MEDIA_LINK_MS)
    const query = new URL(url, 'http://localhost').searchParams
    assert.equal(query.get('expires'), String(expiresAt))
    const signature = query.get('signature') ?? ''
    const link = { conversation, media, expiresAt }
    assert.ok(tokens.verifyMedia(link, signature))
    const other = tokens.conversationId(1, 'v_B')
    assert.ok(!tokens.verifyMedia({ ...link, conversation: other }, signature))
    assert.ok(!tokens.verifyMedia({ ...link, media: orderedId('md', 1, randomBytes) }, signature))
    assert.ok(!tokens.verifyMedia({ ...link, expiresAt: expiresAt + 1 }, signature))
    assert.ok(!tokens.verifyMedia(link, `${signature}=`))
    assert.ok(!tokens.verifyMedia(link, signature.slice(1)))
    assert.ok(!tokens.verifyMedia(link, ''))
    assert.ok(!create(Buffer.alloc(32, 8)).tokens.verifyMedia(link, signature))
    clock.advance(MEDIA_LINK_MS - 1)
    assert.ok(tokens.verifyMedia(link, signature))
    clock.advance(1)
    assert.ok(!tokens.verifyMedia(link, signature))
  })

  test('use another key than tokens do', () => {
    const { tokens } = create()
    const token = tokens.issueVisitorToken({ channel: 1, contact: 'v_A', known: false })
    const [payload = '', mac = ''] = token.slice(4).split('.')
    assert.notEqual(createHmac('sha256', SECRET).update(payload).digest('base64url'), mac)
    assert.ok(!tokens.verifyMedia({ conversation, media, expiresAt: Number.MAX_SAFE_INTEGER }, mac))
  })
})

test('a secret that is too short is refused', () => {
  assert.throws(
    () => create(Buffer.alloc(31)),
    error => isKefuError(error, 'KEFU_INTERNAL'),
  )
})

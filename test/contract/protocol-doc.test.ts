import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, test } from 'node:test'
import ts from 'typescript-ast'
import { parseServerFrame } from '../../src/client/server-frame.js'
import { CLOSE } from '../../src/codec/close-codes.js'
import { decodeFrame, decodeJsonFrame, encodeFrame, encodeJsonFrame } from '../../src/codec/frame.js'
import { MSGPACK_DEPTH } from '../../src/codec/plain-msgpack.js'
import { RECORD_FLAGS } from '../../src/codec/record.js'
import { FRAME_KINDS, type FrameKind, SOCKET_PATH, SUBPROTOCOLS, WIRE_LIMITS } from '../../src/codec/wire.js'
import { PRIORITIES } from '../../src/codec/wire-commands.js'
import { parseClientFrame } from '../../src/codec/wire-schema.js'
import { ZSTD_WIRE_LIMITS } from '../../src/codec/zstd-bound.js'
import { RECORD_TYPES } from '../../src/daemon/core/records.js'
import { OBSTACLES, STRATEGIES } from '../../src/daemon/core/routing.js'
import { verifyIdentity } from '../../src/daemon/engine/session/tokens.js'
import { ERRORS, isKefuError } from '../../src/errors.js'
import { readText } from '../helpers/project.js'
import {
  code_,
  fieldRows,
  fieldsOf,
  fieldsOfNode,
  grouped,
  lines,
  literalsOf,
  literalType,
  marked,
  membersOf,
  membersOfUnion,
  number,
  recordTypes,
  sorted,
  sortedTexts,
  spans,
  tableAfter,
  tableFrom,
  text,
  textsOf,
  wireTypes,
  yes,
} from '../helpers/protocol-doc.js'

/** docs/protocol.md against the code: every kind, field, limit and code both ways, and its examples byte by byte. */

type Direction = 'client' | 'server'

describe('docs/protocol.md', () => {
  test('lists every kind with its code and who sends it', () => {
    const documented = tableAfter('## Kinds').map(([code, kind, client, server]) => [
      Number(code),
      code_(kind),
      client,
      server,
    ])
    const types = wireTypes()
    const client = membersOf(types.get('ClientBodies')!)
    const server = membersOf(types.get('ServerBodies')!)
    const real = Object.entries(FRAME_KINDS).map(([kind, code]) => [
      code,
      kind,
      yes(client.has(kind)),
      yes(server.has(kind)),
    ])
    assert.deepEqual(documented, real)
    const sections = lines.filter(line => /^### `\w+`$/.test(line)).map(line => line.slice(5, -1))
    assert.deepEqual(sections.toSorted(), Object.keys(FRAME_KINDS).toSorted())
  })

  test('lists every field of every frame, and whether it is always there', () => {
    const types = wireTypes()
    for (const [direction, table] of [
      ['client', 'ClientBodies'],
      ['server', 'ServerBodies'],
    ] as const) {
      for (const [kind, typeName] of membersOf(types.get(table)!)) {
        assert.deepEqual(documentedFields(kind, direction), fieldsOf(types, typeName), `${kind} from the ${direction}`)
      }
    }
    for (const kind of Object.keys(FRAME_KINDS)) {
      for (const [direction, table] of [
        ['client', 'ClientBodies'],
        ['server', 'ServerBodies'],
      ] as const) {
        const exists = membersOf(types.get(table)!).has(kind)
        assert.equal(documentedFields(kind, direction).size > 0, exists, `${kind} from the ${direction}`)
      }
    }
  })

  test('agrees with the schema that the server refuses unknown fields by', () => {
    for (const kind of Object.keys(FRAME_KINDS) as FrameKind[]) {
      const fields = documentedFields(kind, 'client')
      const frame = (body: object) => ({
        channel: 0,
        kind,
        flags: 0,
        correlation: 1,
        body: body as Record<string, unknown>,
      })
      if (fields.size === 0) {
        assert.throws(() => parseClientFrame(frame({})), isKefuError)
        continue
      }
      // The validator names the first field that is unknown before it looks at missing ones only if no known one is wrong: so one at a time.
      const top = [...fields].filter(([name]) => !name.includes('.'))
      for (const [name] of top)
        assert.doesNotMatch(complaint(frame({ [name]: undefined })), /not in the protocol/, `${kind}.${name}`)
      assert.match(complaint(frame({ undocumented: 1, ...sampleOf(kind) })), /not in the protocol/, kind)
      assert.equal(complaint(frame(sampleOf(kind))), '', kind)
      for (const [name, given] of top) {
        const { [name]: _, ...rest } = sampleOf(kind)
        assert.equal(
          complaint(frame(rest)) === '',
          given === 'optional' || !(name in sampleOf(kind)),
          `${kind} without ${name}`,
        )
      }
    }
  })

  for (const shape of [
    'WireChannel',
    'InboxEntry',
    'ContactEntry',
    'CannedEntry',
    'SearchFilter',
    'SearchHitEntry',
    'WireEntry',
    'Author',
    'Changes',
  ]) {
    test(`lists every field of ${shape}`, () => {
      assert.deepEqual(fieldRows(`### ${shape}`), fieldsOf(wireTypes(), shape))
    })
  }

  test('lists every record type, its fields and whether contacts see it', () => {
    const types = recordTypes()
    const documented = tableAfter('### Records').map(([type, fields, visible]) => [code_(type), visible, spans(fields)])
    const bodies = membersOfUnion(types.get('RecordBody')!)
    const real = bodies.map(name => {
      const fields = fieldsOf(types, name)
      fields.delete('type')
      const type = literalType(types.get(name)!) as keyof typeof RECORD_TYPES
      return [type, visibilityOf(type), marked(fields)]
    })
    const inOrder = (rows: readonly unknown[][]) =>
      sorted(rows.map(([type, seen, fields]) => [type, seen, sortedTexts(fields)]))
    assert.deepEqual(inOrder(documented), inOrder(real))
    assert.equal(real.length, Object.keys(RECORD_TYPES).length)
  })

  test('explains every field of every record type, and every word of a reason', () => {
    const types = recordTypes()
    const fields = new Set(membersOfUnion(types.get('RecordBody')!).flatMap(name => [...fieldsOf(types, name).keys()]))
    fields.delete('type')
    const start = lines.indexOf('### Records')
    const documented = tableFrom(lines.indexOf('What these fields hold:', start)).map(([name]) => code_(name))
    assert.deepEqual(documented.toSorted(), [...fields].toSorted())
    const words = tableFrom(lines.findIndex(line => line.startsWith('Words of `reasons`')))
    assert.deepEqual(words.map(([word]) => code_(word)).toSorted(), [...reasonWords()].toSorted())
    for (const [word, where] of words)
      for (const type of spans(where)) assert.ok(type === 'queued' || type === 'assigned', `${word} in ${type}`)
  })

  test('lists every state, every role of an author, and every priority', () => {
    const types = wireTypes()
    const meaning = (heading: string, field: string): string =>
      tableAfter(heading).find(([name]) => name === `\`${field}\``)?.[3] ?? assert.fail(field)
    assert.deepEqual(spans(meaning('### InboxEntry', 'state')), textsOf(types.get('ConversationState')!))
    const { type: roles } = (types.get('Author') as ts.TypeLiteralNode).members[0] as ts.PropertySignature
    assert.deepEqual(spans(meaning('### Author', 'role')), textsOf(roles!))
    assert.deepEqual(spans(meaning('### Changes', 'priority')), [...PRIORITIES])
  })

  test('lists every part type and its fields', () => {
    const types = wireTypes()
    const documented = tableAfter('### Parts').map(([type, fields]) => [code_(type), spans(fields)])
    const real: [string, string[]][] = []
    for (const member of (types.get('Part')! as ts.UnionTypeNode).types) {
      const node = ts.isTypeReferenceNode(member) ? types.get(member.typeName.getText())! : member
      const fields = fieldsOfNode(types, node, '')
      fields.delete('type')
      for (const type of literalsOf(node)) real.push([type, marked(fields)])
    }
    assert.deepEqual(sorted(documented), sorted(real))
  })

  test('states every limit', () => {
    const documented = tableAfter('## Limits').map(([name, value]) => [code_(name), number(value)])
    assert.deepEqual(Object.fromEntries(documented), WIRE_LIMITS)
    assert.ok(text.includes(`\`${SOCKET_PATH}\``))
    assert.deepEqual(
      tableAfter('## Connecting').map(([name]) => code_(name)),
      Object.values(SUBPROTOCOLS),
    )
    const { outputLimitBytes, windowLimitBytes } = ZSTD_WIRE_LIMITS
    assert.match(
      text,
      new RegExp(
        `at most ${grouped(outputLimitBytes)} bytes\\s+and needs a window of at most ${grouped(windowLimitBytes)};`,
      ),
    )
    assert.match(text, new RegExp(`at\\s+most ${MSGPACK_DEPTH} deep`))
  })

  test('states every close code', () => {
    const documented = tableAfter('## Close codes').map(([code, name]) => [code_(name), Number(code)])
    assert.deepEqual(Object.fromEntries(documented), CLOSE)
  })

  test('says of every error code it lists whether it can be retried', () => {
    const rows = tableAfter('## Errors')
    assert.ok(rows.length > 10)
    for (const [name, retryable] of rows) {
      const code = code_(name)
      assert.ok(Object.hasOwn(ERRORS, code), code)
      assert.equal(retryable, yes(ERRORS[code as keyof typeof ERRORS].retryable), code)
    }
  })

  test('shows an identity whose signature the server accepts', () => {
    const values = Object.fromEntries(tableAfter('## Identity').map(([name, value]) => [name, code_(value)]))
    const { 'identity secret': secret, id, expiresAt, signature } = values as Record<string, string>
    assert.equal(createHmac('sha256', secret!).update(`${id}|${expiresAt}`).digest('hex'), signature)
    assert.ok(
      verifyIdentity({ id: id!, expiresAt: Number(expiresAt), signature: signature! }, secret!, Number(expiresAt) - 1),
    )
  })

  const examples = readExamples()

  test('has an example of each important kind', () => {
    const kinds = new Set(examples.map(({ json }) => decodeJsonFrame(json).kind))
    for (const kind of ['hello', 'welcome', 'message', 'ack', 'deliver', 'page', 'error', 'command', 'done'] as const)
      assert.ok(kinds.has(kind), kind)
  })

  for (const { name, json, bytes, notes } of examples) {
    test(`the bytes of "${name}" are that frame, both ways`, () => {
      const frame = decodeJsonFrame(json)
      const { channel, kind, correlation, body } = frame
      assert.equal(encodeJsonFrame(channel, kind, correlation, body), json)
      assert.deepEqual(decodeFrame(bytes), frame)
      assert.deepEqual(
        Buffer.from(encodeFrame(channel, kind, correlation, body)).toString('hex'),
        bytes.toString('hex'),
      )
      if (['hello', 'message', 'command'].includes(kind)) assert.deepEqual(parseClientFrame(frame).body, body)
      else assert.deepEqual(parseServerFrame(frame).body, body)
    })

    test(`the notes beside the bytes of "${name}" are right`, () => {
      const [header, ...values] = notes
      assert.equal(header!.bytes.length, 8)
      const { channel, kind, correlation } = decodeJsonFrame(json)
      assert.equal(
        header!.note,
        `channel ${channel}, kind ${FRAME_KINDS[kind]} (${kind}), flags 0, correlation ${correlation}`,
      )
      for (const { bytes: part, note } of values) assert.equal(note.replace(/:$/, ''), meaning(part))
    })
  }
})

/** What a msgpack token is, in the words of the document. */
function meaning(bytes: Buffer): string {
  const token = bytes[0]!
  if (token < 0x80) return String(token)
  if (token < 0x90) return `map of ${token & 0x0f}`
  if (token < 0xa0) return `array of ${token & 0x0f}`
  if (token < 0xc0) return JSON.stringify(bytes.subarray(1, 1 + (token & 0x1f)).toString())
  switch (token) {
    case 0xc2:
    case 0xc3:
      return String(token === 0xc3)
    case 0xcb:
      return `${bytes.readDoubleBE(1)} (float 64)`
    case 0xcd:
      return `${bytes.readUInt16BE(1)} (uint 16)`
    case 0xd9:
      return JSON.stringify(bytes.subarray(2, 2 + bytes[1]!).toString())
    default:
      throw new Error(`the test does not know ${token.toString(16)}`)
  }
}

type Note = { readonly bytes: Buffer; readonly note: string }
type Example = { readonly name: string; readonly json: string; readonly bytes: Buffer; readonly notes: readonly Note[] }

function readExamples(): Example[] {
  return text
    .split(/^#### Example: /m)
    .slice(1)
    .map(section => {
      const json = /```json\n(.*)\n```/.exec(section)?.[1] ?? assert.fail('an example without JSON')
      const hex = /```hex\n([\s\S]*?)\n```/.exec(section)?.[1] ?? assert.fail('an example without bytes')
      const notes: { bytes: Buffer; note: string }[] = []
      for (const line of hex.split('\n')) {
        const [, digits = '', note = ''] = /^((?:[0-9a-f]{2} ?)+)(?: +(.*))?$/.exec(line) ?? assert.fail(line)
        const bytes = Buffer.from(digits.replaceAll(' ', ''), 'hex')
        const last = notes.at(-1)
        if (note === '' && last !== undefined) last.bytes = Buffer.concat([last.bytes, bytes])
        else notes.push({ bytes, note: note.trim() })
      }
      return { name: section.split('\n')[0]!, json, bytes: Buffer.concat(notes.map(({ bytes }) => bytes)), notes }
    })
}

/** A body that the schema accepts with every field that it needs. */
function sampleOf(kind: string): Record<string, unknown> {
  switch (kind) {
    case 'inbox':
      return { before: '0:1' }
    case 'message':
      return { id: 'x', parts: [{ type: 'text', text: 'x' }] }
    case 'ack':
    case 'read':
      return { n: 1 }
    case 'typing':
      return { on: true }
    case 'presence':
      return { state: 'online' }
    case 'media':
      return { media: 'md_1' }
    case 'canned':
    case 'contact':
      return { conversation: 'c_00000000000000000000000000' }
    case 'search':
      return { query: '' }
    case 'listen':
      return { conversation: 'c_00000000000000000000000000', on: true }
    case 'command':
      return { command: { do: 'close' } }
    default:
      return {}
  }
}

function complaint(frame: Parameters<typeof parseClientFrame>[0]): string {
  try {
    parseClientFrame(frame)
    return ''
  } catch (error) {
    assert.ok(isKefuError(error))
    return error.message
  }
}

/** Fields of a kind from one side; empty when the document says nothing of it. */
function documentedFields(kind: string, direction: Direction): Map<string, string> {
  const start = lines.indexOf(`### \`${kind}\``)
  const end = lines.findIndex((line, at) => at > start && /^##/.test(line))
  const opening = direction === 'client' ? 'Client to server.' : 'Server to client.'
  const at = lines.findIndex((line, index) => index > start && index < end && line.startsWith(opening))
  if (at < 0) return new Map()
  return new Map(tableFrom(at).map(([field, , given]) => [code_(field), given!]))
}

/** Every word that the daemon writes into `reasons`; those that stand before a value with their `=`. */
function reasonWords(): Set<string> {
  const read = (path: string): string => readText(`src/daemon/${path}`)
  const routing = read('core/routing.ts')
  const commands = `${read('core/commands.ts')}${read('core/echo.ts')}`
  const engine = `${read('engine/routing/router.ts')}${read('engine/routing/timetable.ts')}${read('core/board.ts')}`
  const words = (source: string, pattern: RegExp): string[] => [...source.matchAll(pattern)].map(match => match[1]!)
  const found = [
    ...Object.keys(STRATEGIES),
    ...OBSTACLES.map(name => `${name}=`),
    ...words(routing, /(?<!\w)\['([a-z-]+)'\]/g),
    ...words(routing, /[`']([a-z-]+=)\$/g),
    ...words(`${commands}${engine}`, /(?<!states)(?::|\?) \['([a-z-]+)'\]/g),
    ...words(commands, /assigned\(by, .*, '([a-z-]+)', head\)/g),
  ]
  assert.ok(found.length >= 20, String(found))
  return new Set(found)
}

function visibilityOf(type: keyof typeof RECORD_TYPES): string {
  const row = RECORD_TYPES[type]
  if ('contactFields' in row) return `part: ${row.contactFields.map(field => `\`${field}\``).join(', ')}`
  assert.equal(row.flags & RECORD_FLAGS.partial, 0, type)
  return yes((row.flags & RECORD_FLAGS.internal) === 0)
}

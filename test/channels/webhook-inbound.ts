import type { InboundEvent } from '../../src/daemon/core/channel-adapter.js'
import { AT_MS, type ChannelKit, type Payload } from '../conformance/channel-kit.js'

export const CONTACT = { id: 'c-17', name: '王芳', language: 'zh' }
export const KNOWN = { contact: 'c-17', name: '王芳', language: 'zh', sentAtMs: AT_MS }

export function json(value: unknown): Payload {
  return { format: 'json', body: JSON.stringify(value) }
}

export function message(id: string | number, parts: readonly object[], others: object = {}): object {
  return { id, type: 'message', contact: CONTACT, at: AT_MS, parts, ...others }
}

export function sample(value: unknown, ...events: InboundEvent[]) {
  return { payload: json(value), events }
}

export function said(id: string, parts: object[], source?: string) {
  const { url: _, ...known } = (parts[0] ?? {}) as { url?: string }
  const read = source === undefined ? parts : [{ ...known, source }]
  return sample(message(id, parts), { key: id, ...KNOWN, type: 'message', parts: read } as InboundEvent)
}

export const LATE = AT_MS - 3_600_000
export const FILE_URL = 'https://files.example/a/photo.png?sig=1'
export const CARD = { type: 'card', title: 'Order 7', text: 'two lamps', url: 'https://shop.example/7' } as const
export const PLACE = { type: 'location', latitude: 31.2304, longitude: 121.4737, label: '人民广场' } as const
export const PAID = { type: 'event', name: 'shop.paid', data: { order: '7', total: 12.5, first: true } } as const
export const TEXT = { type: 'text', text: '我的订单到哪了？' } as const

/** What the other system posts, and what it means. */
export const inbound: ChannelKit['inbound'] = {
  known: {
    text: said('e-1', [TEXT]),
    image: said('e-2', [{ type: 'image', url: FILE_URL, name: 'photo.png' }], FILE_URL),
    audio: said('e-3', [{ type: 'audio', url: FILE_URL }], FILE_URL),
    video: said('e-4', [{ type: 'video', url: FILE_URL }], FILE_URL),
    file: said('e-5', [{ type: 'file', url: FILE_URL, name: 'invoice.pdf' }], FILE_URL),
    location: said('e-6', [PLACE]),
    card: said('e-7', [CARD]),
    'a choice that was picked': said('e-8', [TEXT, { type: 'event', name: 'choice', data: { id: 'a' } }]),
    'attributes of the contact': sample(
      { ...message('e-9', [TEXT]), contact: { id: 'c-18', attributes: { plan: 'gold' } } },
      { key: 'e-9', contact: 'c-18', sentAtMs: AT_MS, type: 'message', parts: [TEXT], attributes: { plan: 'gold' } },
    ),
    sign: sample(
      { id: 'e-10', type: 'sign', contact: CONTACT, at: AT_MS, parts: [PAID] },
      { key: 'e-10', ...KNOWN, type: 'sign', parts: [PAID] },
    ),
    echo: sample(
      { id: 'e-11', type: 'echo', contact: CONTACT, at: AT_MS, parts: [TEXT], agent: '小李' },
      { key: 'e-11', ...KNOWN, name: '小李', type: 'echo', parts: [TEXT] },
    ),
    failure: sample(
      {
        id: 'e-12',
        type: 'failure',
        contact: { id: 'c-17' },
        at: AT_MS,
        message: { n: 3, piece: 0 },
        reason: 'no phone',
      },
      { key: 'e-12', contact: 'c-17', sentAtMs: AT_MS, type: 'failure', n: 3, piece: 0, reason: 'no phone' },
    ),
    batch: sample(
      { events: [message('e-13', [TEXT]), message('e-14', [CARD])] },
      { key: 'e-13', ...KNOWN, type: 'message', parts: [TEXT] },
      { key: 'e-14', ...KNOWN, type: 'message', parts: [CARD] },
    ),
    ping: sample({ type: 'ping', id: 'p-1' }),
  },
  unknown: {
    'an event of the shop': sample(
      { id: 'e-20', type: 'sign', contact: CONTACT, at: AT_MS, parts: [{ type: 'event', name: 'shop.unheard-of' }] },
      { key: 'e-20', ...KNOWN, type: 'sign', parts: [{ type: 'event', name: 'shop.unheard-of' }] },
    ),
  },
  bigIds: {
    numbers: {
      payload: {
        format: 'json',
        body: `{"id":24300000000000001,"type":"message","contact":{"id":9007199254740993},"at":${AT_MS},"parts":[{"type":"text","text":"1"}]}`,
      },
      events: [
        {
          ...{ key: '24300000000000001', contact: '9007199254740993', sentAtMs: AT_MS, type: 'message' },
          parts: [{ type: 'text', text: '1' }],
        },
      ],
    },
    'small numbers': sample(
      { ...message(7, [TEXT]), contact: { id: 17 } },
      { key: '7', contact: '17', sentAtMs: AT_MS, type: 'message', parts: [TEXT] },
    ),
  },
  late: {
    text: sample(message('e-30', [TEXT], { at: LATE }), {
      key: 'e-30',
      ...KNOWN,
      sentAtMs: LATE,
      type: 'message',
      parts: [TEXT],
    }),
  },
  hostile: {
    'markup and control characters stay text': said('e-40', [
      { type: 'text', text: '<script>alert(1)</script>\u001b[31m\u202e"; DROP TABLE' },
    ]),
    'an attribute with the name of a prototype': {
      payload: {
        format: 'json',
        body: `{"id":"e-41","type":"message","contact":{"id":"c-17","attributes":{"__proto__":"x","a":"b"}},"at":${AT_MS},"parts":[{"type":"text","text":"1"}]}`,
      },
      events: [
        {
          ...{ key: 'e-41', contact: 'c-17', sentAtMs: AT_MS, type: 'message', attributes: { a: 'b' } },
          parts: [{ type: 'text', text: '1' }],
        },
      ],
    },
    'a link to this machine is a source like any other': said(
      'e-42',
      [{ type: 'file', url: 'http://169.254.169.254/latest' }],
      'http://169.254.169.254/latest',
    ),
  },
  invalid: {
    'no JSON': { format: 'json', body: 'id=1&type=message' },
    'not UTF-8': { format: 'json', body: Buffer.from([0x7b, 0xff, 0x7d]) },
    nothing: { format: 'json', body: '' },
    null: json(null),
    'a list': json([message('a', [TEXT])]),
    'no id': json(message('', [TEXT])),
    'an id that is a list': json({ ...message('a', [TEXT]), id: ['a'] }),
    'an id of fractions': json({ ...message('a', [TEXT]), id: 1.5 }),
    'an id of control characters': json(message('a\u0000b', [TEXT])),
    'an unknown type': json({ ...message('a', [TEXT]), type: 'mesage' }),
    'an unknown field': json(message('a', [TEXT], { prioritty: 1 })),
    'a contact without an id': json(message('a', [TEXT], { contact: {} })),
    'a contact with half a character': {
      format: 'json',
      body: JSON.stringify(message('a', [TEXT], { contact: { id: 'X', name: 'X' } })).replaceAll('"X"', '"\\ud800"'),
    },
    'a time of words': json(message('a', [TEXT], { at: '2026-01-05' })),
    'a time before time': json(message('a', [TEXT], { at: -1 })),
    'no parts': json(message('a', [])),
    'too many parts': json(
      message(
        'a',
        Array.from({ length: 17 }, () => TEXT),
      ),
    ),
    'parts that are too large together': json(message('a', [{ type: 'text', text: 'x'.repeat(9_000) }, TEXT])),
    'an empty text': json(message('a', [{ type: 'text', text: '' }])),
    'a text with half a character': {
      format: 'json',
      body: JSON.stringify(message('a', [{ type: 'text', text: 'X' }])).replace('"X"', '"\\udfff"'),
    },
    'a file with an id of ours': json(message('a', [{ type: 'image', media: 'md_0123456789' }])),
    'a file of this machine': json(message('a', [{ type: 'image', url: 'file:///etc/passwd' }])),
    'a place off the earth': json(message('a', [{ type: 'location', latitude: 91, longitude: 0 }])),
    'choices, which only agents give': json(
      message('a', [{ type: 'choices', text: 'Which?', choices: [{ id: 'a', label: 'A' }] }]),
    ),
    'a sign of a text': json({ id: 'a', type: 'sign', contact: CONTACT, at: AT_MS, parts: [TEXT] }),
    'too many attributes': json(
      message('a', [TEXT], {
        contact: { id: 'c', attributes: Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`a${n}`, '1'])) },
      }),
    ),
    'an empty batch': json({ events: [] }),
    'too many events': json({ events: Array.from({ length: 101 }, (_, n) => message(`e${n}`, [TEXT])) }),
    'a batch with one that is wrong': json({ events: [message('a', [TEXT]), message('b', [])] }),
    'too large': json(message('a', [{ type: 'text', text: 'x'.repeat(1_100_000) }])),
  },
}

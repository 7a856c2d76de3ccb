import type { KindTable } from '../../core/channel-adapter.js'

const MEGABYTE = 1024 * 1024
const SECRET = /^whsec_[A-Za-z0-9+/]{32,86}={0,2}$/

/** Any other system: signed JSON in, signed JSON out. */
export const WEBHOOK = {
  kind: 'webhook',
  title: { zh: '自有系统（签名 JSON）', en: 'Any system (signed JSON)' },
  settings: {
    endpoint: {
      summary: 'address of the other system, to which messages are posted',
      isRequired: true,
      example: 'https://shop.example/kefu',
      type: 'endpoint',
    },
    'timeout-seconds': {
      summary: 'how long the other system may take to answer',
      type: 'integer',
      ...{ min: 1, max: 60, default: 10 },
    },
    'file-limit-kib': {
      summary: 'files up to this size go out inside of the message; of larger ones the name does',
      type: 'integer',
      ...{ min: 0, max: 8_192, default: 1_024 },
    },
    'media-hosts': {
      summary:
        'the only hosts that links to files may lead to, also within your own network; separated by commas. Without it: every public host',
      example: 'files.shop.example,10.0.0.7',
      type: 'text',
      pattern: /^[0-9a-z.:-]+(,[0-9a-z.:-]+)*$/,
      form: 'names or addresses of hosts in lower case, separated by commas without blanks',
    },
    'text-limit': {
      summary: 'longest text of one message in characters; longer ones are split',
      type: 'integer',
      ...{ min: 60, max: 65_536, default: 65_536 },
    },
  },
  credentials: {
    'inbound-secret': {
      summary: 'what the other system signs with: whsec_ and 24 to 64 random bytes in base64',
      neededFor: 'inbound',
      isRequired: true,
      pattern: SECRET,
    },
    'outbound-secret': {
      summary: 'what kefu signs with: whsec_ and 24 to 64 random bytes in base64',
      neededFor: 'outbound',
      isRequired: true,
      pattern: SECRET,
    },
  },
  capabilities: {
    inbound: ['text', 'image', 'audio', 'video', 'file', 'location', 'card', 'event'],
    outbound: ['text', 'image', 'audio', 'video', 'file', 'location', 'card', 'choices', 'event'],
    text: { unit: 'characters', max: 65_536 },
    mediaLimitBytes: { image: 25 * MEGABYTE, audio: 25 * MEGABYTE, video: 25 * MEGABYTE, file: 25 * MEGABYTE },
    grants: {},
    recognisesRepeats: true,
  },
} as const satisfies KindTable

import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { formatConversationId } from '../../src/codec/conversation-id.js'
import { systemClock } from '../../src/daemon/clock.js'
import { resolveDirs } from '../../src/daemon/config/dirs.js'
import { type RecordBody, SYSTEM } from '../../src/daemon/core/records.js'
import { openLevelStore } from '../../src/daemon/store/level/open.js'
import { loadServerSecret } from '../../src/daemon/vault/server-secret.js'
import { createTexts } from './texts.js'

/** Fills the store of a home folder: `fill-store.ts HOME RECORDS`. As many conversations as it takes at a hundred messages each, all of them waiting. */

const RECORDS_EACH = 100
const APPENDS_IN_FLIGHT = 1_000

const home = process.argv[2]!
const wanted = Number(process.argv[3])
const { storeDir, secretFile } = resolveDirs({
  home,
  environment: {},
  userHome: home,
  temporaryDir: home,
  uid: undefined,
})
// A store with conversations and no secret is one that has lost it: the daemon would not start.
await mkdir(home, { recursive: true, mode: 0o700 })
await loadServerSecret(secretFile)
const store = await openLevelStore({ path: storeDir, clock: systemClock })
const texts = createTexts(120)
const conversations = Array.from({ length: Math.ceil(wanted / RECORDS_EACH) }, () =>
  formatConversationId(randomBytes(16)),
)

let next = 0
await Promise.all(
  Array.from({ length: APPENDS_IN_FLIGHT }, async () => {
    while (next < wanted) {
      const number = next++
      const index = number % conversations.length
      const id = `fill-${number}`
      const message: RecordBody = {
        type: 'message',
        by: { role: 'contact' },
        id,
        parts: [{ type: 'text', text: texts[number % texts.length]! }],
      }
      // Nobody is there to answer: a daemon leaves every conversation in the waiting line.
      const isFirst = number < conversations.length
      await store.log.append(
        conversations[index]!,
        isFirst
          ? [message, { type: 'queued', by: SYSTEM, since: systemClock.now(), reasons: ['no-agent-online'] }]
          : [message],
        { id, opening: { type: 'opened', channel: 1, kind: 'web', egress: 'socket', contact: `v_${index}` } },
      )
    }
  }),
)
await store.close()

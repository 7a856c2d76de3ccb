import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type {
  Adapter,
  AdapterInput,
  Callback,
  ContactEvent,
  SendOutcome,
} from '../../src/daemon/core/channel-adapter.js'
import type { Credential } from '../../src/daemon/core/vault.js'
import { isKefuError } from '../../src/errors.js'
import { CHANNEL_CASES } from '../conformance/channel.suite.js'
import type { ChannelKit, Register } from '../conformance/channel-kit.js'
import { SECRETS } from './wechat-kit.js'
import { WECHAT_MP_KIT } from './wechat-mp-kit.js'

/** The suite of channels, against adapters that break one promise each: it has to notice. */

type Wrong = {
  /** Names of cases, at least one of which has to fail. */
  readonly fails: RegExp
  readonly adapter?: (right: Adapter, open: () => Adapter) => Partial<Adapter>
  readonly input?: (input: AdapterInput) => AdapterInput
}

const FORGED: ContactEvent = {
  ...{ key: 'k', contact: 'c', sentAtMs: 1, type: 'message' },
  parts: [{ type: 'text', text: 'x' }],
}

/** Changes every event of a user that an adapter reads. */
const events =
  (change: (event: ContactEvent, callback: Callback) => ContactEvent) =>
  (right: Adapter): Partial<Adapter> => ({
    receive(callback) {
      const reception = right.receive(callback)
      return {
        ...reception,
        events: reception.events.map(event => (event.type === 'failure' ? event : change(event, callback))),
      }
    },
  })

const outcomes =
  (change: (outcome: SendOutcome) => SendOutcome) =>
  (right: Adapter): Partial<Adapter> => ({
    send: async (...args) => change(await right.send(...args)),
  })

const SECRET_ENTRIES = Object.entries(SECRETS).map(([name, value]): [string, Credential] => [name, { value }])

let made = 0

const WRONG: Readonly<Record<string, Wrong>> = {
  'believes everybody': {
    fails: /every bit|mutants|left out/,
    adapter: right => ({
      receive(callback) {
        try {
          return right.receive(callback)
        } catch (error) {
          if (!isKefuError(error, 'KEFU_CALLBACK_REFUSED')) throw error
          return { answer: WECHAT_MP_KIT.success, events: [FORGED] }
        }
      },
    }),
  },
  'does not look at the time': {
    fails: /old signature/,
    adapter: right => ({
      receive: callback =>
        right.receive({
          ...callback,
          header: callback.header,
          arrivedAtMs: Number(callback.query.get('timestamp')) * 1000,
        }),
    }),
  },
  'forgets a replaced secret at once': {
    fails: /replaced/,
    input: ({ settings, secrets }) => ({
      settings,
      secrets: new Map([...secrets].map(([name, { value }]) => [name, { value }])),
    }),
  },
  'is content without secrets': {
    fails: /without its secrets nothing is taken in/,
    input: ({ settings, secrets }) => ({
      settings,
      secrets: new Map<string, Credential>([...SECRET_ENTRIES, ...secrets]),
    }),
  },
  'rounds ids': {
    fails: /bigIds|reads known/,
    adapter: events(event => ({ ...event, key: event.key.replace(/\d{16,}$/, digits => String(Number(digits))) })),
  },
  'gives every copy an id of its own': {
    fails: /same again/,
    adapter: events(event => ({ ...event, key: `${event.key}:${made++}` })),
  },
  'gives all the same id': { fails: /different keys/, adapter: events(event => ({ ...event, key: 'the same' })) },
  "takes the daemon's clock for the platform's": {
    fails: /platform's time/,
    adapter: events((event, { arrivedAtMs }) => ({ ...event, sentAtMs: arrivedAtMs })),
  },
  'makes grants up': { fails: /reads known/, adapter: events(event => ({ ...event, grant: 'forever' })) },
  'loses what it does not know': {
    fails: /reads known/,
    adapter: right => ({ receive: callback => ({ ...right.receive(callback), events: [] }) }),
  },
  'says another word for success': {
    fails: /reads known/,
    adapter: right => ({
      receive: callback => ({ ...right.receive(callback), answer: { ...WECHAT_MP_KIT.success, body: 'ok' } }),
    }),
  },
  'calls everything sent': { fails: /understands|fault of sending/, adapter: outcomes(() => ({ type: 'sent' })) },
  'tries again what may have been taken': {
    fails: /fault of sending/,
    adapter: outcomes(outcome => (outcome.type === 'unknown' ? { type: 'retry', reason: outcome.reason } : outcome)),
  },
  'sends twice when in doubt': {
    fails: /fault of sending/,
    adapter: right => ({
      async send(...args) {
        const outcome = await right.send(...args)
        return outcome.type === 'unknown' ? await right.send(...args) : outcome
      },
    }),
  },
  'tells its secrets': {
    fails: /understands|repeats the secrets/,
    adapter: outcomes(outcome =>
      outcome.type === 'sent' ? outcome : { ...outcome, reason: `${outcome.reason} ${SECRETS['app-secret']}` },
    ),
  },
  'throws what the platform says': {
    fails: /understands/,
    adapter: right => ({
      async send(...args) {
        const outcome = await right.send(...args)
        if (outcome.type === 'give-up') throw new Error(outcome.reason)
        return outcome
      },
    }),
  },
  'takes a token for each message': {
    fails: /one call when it has a token|share one token/,
    adapter: (_, open) => ({ send: (...args) => open().send(...args) }),
  },
  'does not hear that it is aborted': {
    fails: /aborted before/,
    adapter: right => ({ send: (to, piece) => right.send(to, piece, new AbortController().signal) }),
  },
  'finds every file': {
    fails: /a file: /,
    adapter: () => ({ fetchFile: async () => ({ bytes: new Uint8Array(), type: undefined }) }),
  },
  'checks nothing': { fails: /check/, adapter: () => ({ check: async () => [] }) },
  'finds nothing wrong': {
    fails: /check says/,
    adapter: right => ({
      check: async abort => (await right.check(abort)).map(({ step }) => ({ step, result: 'ok' as const })),
    }),
  },
}

describe('the suite of channels notices an adapter that', () => {
  for (const [what, { fails, adapter, input = (given: AdapterInput) => given }] of Object.entries(WRONG))
    it(what, async () => {
      const { driver } = WECHAT_MP_KIT
      const kit: ChannelKit = {
        ...WECHAT_MP_KIT,
        driver: {
          table: driver.table,
          open(ports, given) {
            const open = () => driver.open(ports, input(given))
            const right = open()
            return { ...right, ...adapter?.(right, open) }
          },
        },
      }
      assert.ok((await failures(kit, fails)).length > 0)
    })
})

/** The cases of these names that fail. */
async function failures(kit: ChannelKit, names: RegExp): Promise<readonly string[]> {
  const failed: string[] = []
  const pending: Promise<void>[] = []
  let cases = 0
  const register: Register = (name: string, ...rest: readonly unknown[]) => {
    if (!names.test(name)) return
    cases += 1
    const run = rest.at(-1) as () => void | Promise<void>
    pending.push(
      (async () => {
        try {
          await run()
        } catch {
          failed.push(name)
        }
      })(),
    )
  }
  for (const add of Object.values(CHANNEL_CASES)) add(kit, register)
  await Promise.all(pending)
  assert.ok(cases > 0, 'there are such cases')
  return failed
}

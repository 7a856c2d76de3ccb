import type { Visitor } from '../../client/index.js'
import type { SaidInput } from '../../emulator/core/said.js'
import type { ServedEmulator } from '../../emulator/core/server.js'
import { KefuError } from '../../errors.js'
import type { Customer, Saying } from './script.js'

/** How a customer writes and is answered. */
export type Line = {
  /** Resolves when the daemon has what was said. */
  say(saying: Saying): Promise<void>
  /** Calls for every answer from now on. */
  listen(listener: () => void): void
}

/** A customer on an emulated platform. A push that the daemon does not take throws `KEFU_PLATFORM_UNAVAILABLE`. */
export function platformLine({ emulator }: ServedEmulator, { user }: Customer): Line {
  let last: unknown
  return {
    async say(saying) {
      const { state, attempts } = await emulator.say(user, saidOf(saying, last))
      if (state === 'delivered') return
      const { failure, status } = attempts.at(-1) ?? {}
      throw new KefuError('KEFU_PLATFORM_UNAVAILABLE', { reason: failure ?? `the callback was answered ${status}` })
    },
    listen(listener) {
      emulator.core.sent.listen(event => {
        if (event.type !== 'sent' || event.message.user !== user) return
        last = event.message.body
        listener()
      })
    },
  }
}

/** A customer on the web channel; `picture` is what images show. */
export function webLine(visitor: Visitor, picture: Uint8Array<ArrayBuffer>): Line {
  let last: unknown
  return {
    async say(saying) {
      if (typeof saying === 'string') await visitor.send(saying)
      else if ('press' in saying) await visitor.send(pressed(saying.press, choiceIn(last, saying.press)))
      else {
        const { media } = await visitor.upload(picture, 'image/png')
        await visitor.send([{ type: 'image', media, name: 'picture.png' }])
      }
    },
    listen(listener) {
      visitor.on('message', ({ record }) => {
        if (record.by.role !== 'agent') return
        last = record.parts
        listener()
      })
    },
  }
}

function saidOf(saying: Saying, last: unknown): SaidInput & { readonly type: 'text' | 'image' } {
  if (typeof saying === 'string') return { type: 'text', text: saying }
  if ('send' in saying) return { type: saying.send }
  const id = choiceIn(last, saying.press)
  return { type: 'text', text: saying.press, ...(id !== undefined && { menuId: id }) }
}

function pressed(label: string, id: string | undefined) {
  const text = { type: 'text' as const, text: label }
  return id === undefined ? [text] : [text, { type: 'event' as const, name: 'choice', data: { id } }]
}

/** The id of the choice with a label, wherever a platform's message has it; where choices come as text, the label is typed. */
function choiceIn(value: unknown, label: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { id, label: own, content } = value as Readonly<Record<string, unknown>>
  if (typeof id === 'string' && (own === label || content === label)) return id
  for (const each of Object.values(value)) {
    const found = choiceIn(each, label)
    if (found !== undefined) return found
  }
  return undefined
}

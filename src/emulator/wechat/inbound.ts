import { KefuError } from '../../errors.js'
import type { EmulatorCore } from '../core/platform-emulator.js'
import type { Said } from '../core/said.js'
import { fileOf } from '../core/samples.js'
import type { Allowance } from '../core/send-log.js'
import type { Fields } from './callback.js'
import { PICTURE_PATH } from './media.js'

/** What the users of a kind of account can say, and what it permits to answer. */
export type Inbound = {
  /** Types of what they can say. */
  readonly types: readonly Said['type'][]
  /** Allowances by name. */
  readonly allowances: Readonly<Record<string, Allowance>>
  /** Name of the allowance that an event opens, by the event in lower case. */
  readonly events: Readonly<Record<string, string>>
}

const MINUTE_MS = 60_000
const MESSAGE = { messages: 5, windowMs: 48 * 60 * MINUTE_MS }
const ACT = { messages: 3, windowMs: MINUTE_MS }

/** 公众号: VIEW and LOCATION permit nothing. */
export const MP_INBOUND: Inbound = {
  types: ['text', 'image', 'voice', 'video', 'location', 'link', 'event'],
  allowances: { message: MESSAGE, menu: ACT, follow: ACT, scan: ACT },
  events: { subscribe: 'follow', scan: 'scan', click: 'menu', scancode_push: 'menu', scancode_waitmsg: 'menu' },
}

/** 小程序. */
export const MINI_INBOUND: Inbound = {
  types: ['text', 'image', 'card', 'event'],
  allowances: { message: MESSAGE, enter: { messages: 2, windowMs: MINUTE_MS } },
  events: { user_enter_tempsession: 'enter' },
}

/** Who says something, to whom and when. */
export type Envelope = { readonly user: string; readonly originalId: string; readonly appId: string }

/** The fields of what a user says, in the order of the platform's documentation. */
export function fieldsOf(core: EmulatorCore, { user, originalId, appId }: Envelope, said: Said): Fields {
  const head = {
    ToUserName: originalId,
    FromUserName: user,
    CreateTime: Math.floor(core.clock.now() / 1000),
  }
  if (said.type === 'event') return { ...head, MsgType: 'event', Event: said.event, ...said.fields }
  const { MsgType, ...content } = contentOf(core, appId, said)
  return { ...head, MsgType, ...content, MsgId: core.nextId() }
}

type Content = { readonly MsgType: string } & Fields

function contentOf(core: EmulatorCore, appId: string, said: Exclude<Said, { readonly type: 'event' }>): Content {
  switch (said.type) {
    case 'text':
      return {
        MsgType: 'text',
        Content: said.text,
        ...(said.menuId !== undefined && { bizmsgmenuid: said.menuId }),
      }
    case 'image': {
      const MediaId = keep(core, said)
      return { MsgType: 'image', PicUrl: `${core.origin}${PICTURE_PATH}?id=${MediaId}`, MediaId }
    }
    case 'voice':
      return {
        ...{ MsgType: 'voice', MediaId: keep(core, said), Format: 'amr' },
        ...(said.recognition !== undefined && { Recognition: said.recognition }),
      }
    case 'video':
      return { MsgType: 'video', MediaId: keep(core, said), ThumbMediaId: keep(core, { type: 'image' }) }
    case 'location':
      return {
        MsgType: 'location',
        Location_X: String(said.latitude),
        Location_Y: String(said.longitude),
        ...{ Scale: 20, Label: said.label },
      }
    case 'link':
      return { MsgType: 'link', Title: said.title, Description: said.description, Url: said.url }
    case 'card':
      return {
        ...{ MsgType: 'miniprogrampage', Title: said.title, AppId: appId, PagePath: said.path },
        ThumbUrl: `${core.origin}${PICTURE_PATH}?id=${keep(core, { type: 'image' })}`,
        ThumbMediaId: keep(core, { type: 'image' }),
      }
    case 'file':
      throw new KefuError('KEFU_USAGE', { reason: 'a file cannot be sent on this platform' })
  }
}

function keep({ media }: EmulatorCore, said: Parameters<typeof fileOf>[0]): string {
  const { bytes, contentType, name } = fileOf(said)
  return media.put(bytes, contentType, name).id
}

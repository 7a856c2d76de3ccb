import type { MediaStore } from '../core/media-store.js'
import type { Said } from '../core/said.js'
import { fileOf } from '../core/samples.js'

/** What a user says: its `msgtype`, and the member of that name. */
export function kfContent(
  said: Exclude<Said, { readonly type: 'event' }>,
  corpId: string,
  media: MediaStore,
): readonly [msgtype: string, content: object] {
  switch (said.type) {
    case 'text':
      return ['text', { content: said.text, ...(said.menuId !== undefined && { menu_id: said.menuId }) }]
    case 'location': {
      const { latitude, longitude, label } = said
      return ['location', { latitude, longitude, name: label, address: '' }]
    }
    case 'link':
      return ['link', { title: said.title, desc: said.description, url: said.url, pic_url: '' }]
    case 'card':
      return ['miniprogram', { title: said.title, appid: corpId, pagepath: said.path, thumb_media_id: '' }]
    default: {
      const { bytes, contentType, name } = fileOf(said)
      return [said.type, { media_id: media.put(bytes, contentType, name).id }]
    }
  }
}

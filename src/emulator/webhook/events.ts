import type { EmulatorCore } from '../core/platform-emulator.js'
import type { Said } from '../core/said.js'
import { fileOf } from '../core/samples.js'

/** Where files of contacts are served. */
export const FILES_PATH = '/files'

/** What a contact says or does, as the back office posts it to the channel. */
export function eventOf(core: EmulatorCore, contact: string, said: Said): object {
  return {
    id: `e-${core.nextId()}`,
    type: said.type === 'event' ? 'sign' : 'message',
    contact: { id: contact },
    at: core.clock.now(),
    parts: partsOf(core, said),
  }
}

function partsOf(core: EmulatorCore, said: Said): readonly object[] {
  switch (said.type) {
    case 'text': {
      const text = { type: 'text', text: said.text }
      return said.menuId === undefined ? [text] : [text, { type: 'event', name: 'choice', data: { id: said.menuId } }]
    }
    case 'image':
    case 'video':
    case 'file':
      return [filePart(core, said.type, said)]
    case 'voice':
      return [filePart(core, 'audio', said)]
    case 'location': {
      const { latitude, longitude, label } = said
      return [{ type: 'location', latitude, longitude, ...(label !== '' && { label }) }]
    }
    case 'link': {
      const { title, description, url } = said
      return [{ type: 'card', title, ...(description !== '' && { text: description }), url }]
    }
    case 'card':
      return [{ type: 'card', title: said.title, text: said.path }]
    case 'event': {
      const hasFields = Object.keys(said.fields).length > 0
      return [{ type: 'event', name: said.event.toLowerCase(), ...(hasFields && { data: said.fields }) }]
    }
  }
}

function filePart(core: EmulatorCore, type: string, said: Parameters<typeof fileOf>[0]): object {
  const { name, bytes, contentType } = fileOf(said)
  const { id } = core.media.put(bytes, contentType, name)
  return { type, url: `${core.origin}${FILES_PATH}?id=${id}`, name }
}

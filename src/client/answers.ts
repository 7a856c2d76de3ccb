import type { MediaBody, PageBody, ServerFrame } from '../codec/wire.js'
import type { CannedBody } from '../codec/wire-canned.js'
import type { DoneBody } from '../codec/wire-commands.js'
import type { ContactBody } from '../codec/wire-contacts.js'
import type { SearchBody } from '../codec/wire-search.js'
import { KefuError } from '../errors.js'
import type { Answer } from './session-role.js'

/** Makes a request and resolves with the part of its answer that is wanted. Rejects with why there is none, and with `KEFU_FRAME_INVALID` for another kind. */
export function ask<T>(request: (answer: Answer) => void, pick: (frame: ServerFrame) => T | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    request((frame, error) => {
      const body = frame === undefined ? undefined : pick(frame)
      if (body !== undefined) resolve(body)
      else reject(error ?? new KefuError('KEFU_FRAME_INVALID', { reason: 'the answer is of another kind' }))
    })
  })
}

/** The body of a `page`. */
export function pageOf(frame: ServerFrame): PageBody | undefined {
  return frame.kind === 'page' ? frame.body : undefined
}

/** The body of a `media`. */
export function mediaOf(frame: ServerFrame): MediaBody | undefined {
  return frame.kind === 'media' ? frame.body : undefined
}

/** The body of a `contact`. */
export function contactOf(frame: ServerFrame): ContactBody | undefined {
  return frame.kind === 'contact' ? frame.body : undefined
}

/** The body of a `canned`. */
export function cannedOf(frame: ServerFrame): CannedBody | undefined {
  return frame.kind === 'canned' ? frame.body : undefined
}

/** The body of a `search`. */
export function searchOf(frame: ServerFrame): SearchBody | undefined {
  return frame.kind === 'search' ? frame.body : undefined
}

/** The body of a `done`. */
export function doneOf(frame: ServerFrame): DoneBody | undefined {
  return frame.kind === 'done' ? frame.body : undefined
}

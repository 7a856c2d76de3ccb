import { join } from 'node:path'
import { quoted } from '../_cli/place.js'
import { programName } from '../_cli/program-name.js'

/** What a person who looks on can do. */
export type Guide = {
  /** Commands for another terminal, ready to be pasted. */
  readonly agent: string
  readonly visitor: string
  /** Inspection pages of the emulators, by kind. */
  readonly pages: readonly (readonly [kind: string, page: string])[]
}

/** The file with the token of the agent that a person can be. */
export function ownTokenFile(home: string): string {
  return join(home, 'you.token')
}

/** The guide to a demo in a folder. */
export function guideTo(home: string, channel: string, pages: Guide['pages']): Guide {
  const kefu = `${programName()} --home ${quoted(home)}`
  return {
    agent: `${kefu} chat agent --token-file ${quoted(ownTokenFile(home))}`,
    visitor: `${kefu} chat visitor --channel ${channel} --new`,
    pages,
  }
}

/** The guide in lines for a person. */
export function guideLines({ agent, visitor, pages }: Guide): string[] {
  return [
    'kefu demo: scripted customers and agents on a scratch daemon. Ctrl-C or q ends it.',
    `Be an agent:   ${agent}`,
    `Be a visitor:  ${visitor}`,
    `Platforms:     ${pages.map(([kind, page]) => `${kind} ${page}`).join(' · ')}`,
  ]
}

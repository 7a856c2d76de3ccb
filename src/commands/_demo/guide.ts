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

/** The program with the folder that it is to work in. */
export function programIn(home: string): string {
  return `${programName()} --home ${quoted(home)}`
}

/** The guide to a demo in a folder. */
export function guideTo(home: string, channel: string, pages: Guide['pages']): Guide {
  const kefu = programIn(home)
  return {
    agent: `${kefu} chat agent --token-file ${quoted(ownTokenFile(home))}`,
    visitor: `${kefu} chat visitor --channel ${channel} --new`,
    pages,
  }
}

/** The guide in lines for a person. */
export function guideLines({ agent, visitor, pages }: Guide): string[] {
  const width = Math.max(...pages.map(([kind]) => kind.length))
  return [
    'kefu demo: a scratch daemon, scripted customers and agents. q or Ctrl-C ends it',
    `Be an agent:   ${agent}`,
    `Be a visitor:  ${visitor}`,
    ...pages.map(
      ([kind, page], index) => `${index === 0 ? 'Platforms:' : '          '}     ${kind.padEnd(width)}  ${page}`,
    ),
  ]
}

import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Dirs } from '../../daemon/config/dirs.js'
import type { ControlClient, DaemonStatus } from '../../daemon/control/client.js'
import { quoted } from './place.js'
import { programName } from './program-name.js'
import { reserveSecretFile } from './secret-file.js'

const CHANNEL = 'site'
const AGENT = 'xiaowang'

/** What a first start made or found, and what to say about it. */
export type Quickstart = {
  readonly channel: string
  readonly agent: string
  readonly tokenFile: string | null
  readonly lines: readonly string[]
}

/**
 * Makes a web channel for the daemon's own address and an agent with a token file, unless there are channels or agents; says how to try them, with the places
 * (`--socket`, `--config`) that the daemon was given.
 */
export async function quickstart(
  control: ControlClient,
  dirs: Dirs,
  status: DaemonStatus,
  place: readonly string[],
): Promise<Quickstart> {
  const { channels } = await control.call('channel.list', {})
  const { agents } = await control.call('agent.list', {})
  if (channels.length === 0)
    await control.call('channel.add', { kind: 'web', name: CHANNEL, origins: ownOrigins(status.address.http) })
  const channel =
    (channels.find(({ name }) => name === CHANNEL) ?? channels.find(({ kind }) => kind === 'web') ?? channels[0])
      ?.name ?? CHANNEL
  const agent =
    (agents.find(({ name }) => name === AGENT) ?? agents.find(({ role }) => role !== 'bot') ?? agents[0])?.name ?? AGENT
  const tokenFile = join(dirs.dataDir, `${agent}.token`)
  if (agents.length === 0) await makeAgent(control, tokenFile)
  const token = await readFile(tokenFile, 'utf8').catch(() => undefined)
  const named = place.includes('--home') ? place : ['--home', dirs.home, ...place]
  const kefu = [programName(), ...named.map(quoted)].join(' ')
  const lines = [
    '',
    `Web channel ${channel} and agent ${agent} are there. Try, in two more terminals:`,
    '',
    `  ${kefu} chat visitor --channel ${channel}`,
    ...(token === undefined
      ? [
          `  ${kefu} agent token ${agent} --token-file ${agent}.token`,
          `  ${kefu} chat agent --token-file ${agent}.token`,
        ]
      : [`  ${kefu} chat agent --token-file ${quoted(tokenFile)}`, '', `The token of ${agent}: ${token.trim()}`]),
    '',
  ]
  return { channel, agent, tokenFile: token === undefined ? null : tokenFile, lines }
}

async function makeAgent(control: ControlClient, tokenFile: string): Promise<void> {
  // Left over from an agent that is no more.
  await rm(tokenFile, { force: true })
  const file = await reserveSecretFile(tokenFile)
  const { token } = await control.call('agent.add', { name: AGENT })
  if (token === undefined) await file.discard()
  else await file.write(token)
}

/** The daemon's own address, by name and by number. */
function ownOrigins(http: string | null): string[] {
  if (http === null) return []
  const { port, hostname } = new URL(http)
  const isLocal = ['127.0.0.1', '0.0.0.0', '[::1]', '[::]'].includes(hostname)
  return isLocal ? [`http://127.0.0.1:${port}`, `http://localhost:${port}`] : [http]
}

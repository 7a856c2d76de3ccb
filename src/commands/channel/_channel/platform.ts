import type { ControlClient } from '../../../daemon/control/client.js'
import type { PlatformView } from '../../../daemon/control/lane-operations.js'
import type { Fact, Output } from '../../_cli/output.js'

/** Where the platform has to be told to send callbacks, and what still has to be given. */
export function platformFacts({ callbackPath, missingSettings, missingCredentials, problem }: PlatformView): Fact[] {
  return [
    ['callback', callbackPath, `https://YOUR.HOST${callbackPath}`],
    ...missingSettings.map((name): Fact => ['missing setting', name]),
    ...missingCredentials.map((name): Fact => ['missing credential', name]),
    ...(problem === undefined ? [] : [['problem', problem] as const]),
  ]
}

/** What to do next with a channel behind a platform: the first thing that it lacks, else a test. */
export function noteNextStep(
  output: Pick<Output, 'note'>,
  name: string,
  { missingSettings, missingCredentials }: PlatformView,
): void {
  const [setting] = missingSettings
  const [credential] = missingCredentials
  if (setting !== undefined) output.note(`Next: kefu channel set ${name} --set ${setting}=…`)
  else if (credential !== undefined) output.note(`Next: kefu credential set ${name} ${credential}`)
  else output.note(`Next: kefu channel test ${name}`)
}

/** The address at which the daemon itself takes callbacks: what a proxy in front of it, or an emulator on this machine, is given. */
export async function localAddress(control: ControlClient, { callbackPath }: PlatformView): Promise<string> {
  const { address } = await control.call('daemon.status', {})
  return `${address.http}${callbackPath}`
}

import type { ControlClient } from '../../../daemon/control/client.js'
import { isKefuError } from '../../../errors.js'
import type { Output } from '../../_cli/output.js'
import { noteNextStep } from '../../channel/_channel/platform.js'

/** What to do next when a credential of an owner (`channel/shop`) has been sealed: what a channel still lacks, else a test of it. */
export async function noteAfterSealing(
  output: Pick<Output, 'note'>,
  control: Pick<ControlClient, 'call'>,
  owner: string,
): Promise<void> {
  const at = owner.indexOf('/')
  const [kind, name] = [owner.slice(0, at), owner.slice(at + 1)]
  if (kind === 'hook') output.note(`Next: kefu hook test ${name}`)
  else if (kind === 'agent') output.note(`Next: kefu agent show ${name}`)
  else {
    const platform = await platformOf(control, name)
    if (platform === undefined) output.note(`Next: kefu credential list ${name}`)
    else noteNextStep(output, name, platform)
  }
}

async function platformOf(control: Pick<ControlClient, 'call'>, name: string) {
  try {
    return (await control.call('channel.show', { name })).platform
  } catch (error) {
    // It is sealed, whatever cannot be told of the channel.
    if (isKefuError(error)) return undefined
    throw error
  }
}

import type { CheckStep } from './channel-adapter.js'

/** How long a channel may take to check itself, whoever asks for it. */
export const CHECK_TIMEOUT_MS = 30_000

/** `kefu channel set NAME`, as adapters write it, who do not know what their channel is called. */
const COMMAND = /\b(kefu [a-z]+ [a-z]+ )(?:NAME|CHANNEL)\b/g

/** A text in whose commands the channel has its name. */
export function withChannelName(text: string, channel: string): string {
  return text.replace(COMMAND, (_, command: string) => `${command}${channel}`)
}

/** A step of a check in whose commands the channel has its name. */
export function namedStep(step: CheckStep, channel: string): CheckStep {
  const { reason, nextStep } = step
  return {
    ...step,
    ...(reason !== undefined && { reason: withChannelName(reason, channel) }),
    ...(nextStep !== undefined && { nextStep: withChannelName(nextStep, channel) }),
  }
}

import type { Agent, Head } from '../../core/model.js'
import { pause } from '../../core/pause.js'
import { type CallPorts, type CallResult, callSigned } from '../signed-calls.js'
import { ANSWER_LIMIT_BYTES, type BotAnswer, readAnswer } from './answer.js'
import type { ContactMessage } from './unanswered.js'

/** What calls to bots stand on. */
export type ExchangePorts = CallPorts & {
  /** The name of a channel; undefined for one that is gone. */
  channelName(number: number): string | undefined
}

/** What came of asking a bot. `unreachable`: it does not answer, or not in time; `wrong`: what it answers is none. */
export type Exchange =
  | { readonly type: 'answered'; readonly answer: BotAnswer }
  | { readonly type: 'unreachable' | 'wrong'; readonly reason: string }

/** The time that a contact waits for a bot: for all attempts together. */
const DEADLINE_MS = 10_000
/** Pauses before another attempt: what does not come back soon is down, and the contact need not wait for it. */
const PAUSES_MS = [500, 1_500] as const

/** Asks a bot what it says to these messages of a contact; tries again while there is time. Never throws. */
export async function askBot(
  ports: ExchangePorts,
  bot: Agent,
  head: Head,
  messages: readonly ContactMessage[],
  abort: AbortSignal,
): Promise<Exchange> {
  const name = ports.channelName(head.channel)
  const id = `${bot.id}:${messages.at(-1)?.seq ?? 0}`
  const body = {
    id,
    bot: bot.name,
    at: Math.floor(ports.clock.now()),
    conversation: head.conversation,
    channel: { number: head.channel, ...(name === undefined ? {} : { name }), kind: head.kind },
    contact: head.contact,
    ...(head.name === undefined ? {} : { name: head.name }),
    ...(head.details.language === undefined ? {} : { language: head.details.language }),
    messages: messages.map(({ n, at, body: { parts } }) => ({ n, at, parts })),
  }
  return await exchange(ports, bot, id, JSON.stringify(body), abort)
}

/** Asks a bot about nothing, to see whether it is there. Never throws. */
export async function probeBot(ports: ExchangePorts, bot: Agent, word: string, abort: AbortSignal): Promise<Exchange> {
  const id = `${bot.id}:probe-${word}`
  const body = { id, bot: bot.name, at: Math.floor(ports.clock.now()), messages: [] }
  return outcomeOf(await call(ports, bot, id, JSON.stringify(body), DEADLINE_MS, abort))
}

async function exchange(
  ports: ExchangePorts,
  bot: Agent,
  id: string,
  body: string,
  abort: AbortSignal,
): Promise<Exchange> {
  const { clock } = ports
  const endMs = clock.monotonicMs() + DEADLINE_MS
  for (let attempt = 0; ; attempt++) {
    const outcome = outcomeOf(await call(ports, bot, id, body, endMs - clock.monotonicMs(), abort))
    const pauseMs = PAUSES_MS[attempt]
    const isEnd = pauseMs === undefined || clock.monotonicMs() + pauseMs >= endMs
    if (outcome.type !== 'unreachable' || isEnd || abort.aborted) return outcome
    await pause(clock, pauseMs, abort)
  }
}

function call(
  ports: ExchangePorts,
  bot: Agent,
  id: string,
  body: string,
  timeoutMs: number,
  abort: AbortSignal,
): Promise<CallResult> {
  const { endpoint = '' } = bot
  const bounds = { timeoutMs, limitBytes: ANSWER_LIMIT_BYTES }
  return callSigned(ports, { owner: `agent/${bot.id}`, url: endpoint, id, body, ...bounds }, abort)
}

function outcomeOf(result: CallResult): Exchange {
  if (result.type !== 'answered')
    return { type: result.type === 'oversized' ? 'wrong' : 'unreachable', reason: result.reason }
  const { status, bytes } = result
  if (status >= 500 || status === 429 || status === 408) return { type: 'unreachable', reason: `it answered ${status}` }
  if (status < 200 || status >= 300) return { type: 'wrong', reason: `it answered ${status}` }
  const answer = readAnswer(bytes)
  return 'problem' in answer ? { type: 'wrong', reason: answer.problem } : { type: 'answered', answer }
}

import type { AgentClient, ConversationId } from '../../client/index.js'
import type { Answer } from './customers.js'
import { between } from './random.js'
import { ANSWER_TO_OTHERS } from './script.js'

/** What a scripted agent needs. */
export type AgentPorts = {
  readonly agent: AgentClient
  /** What is to be said in a conversation: undefined when nothing was asked, `other` when its contact is not in the script. */
  answerIn(conversation: ConversationId): Answer | undefined | 'other'
  random(): number
  /** Called with what went wrong. */
  report(error: unknown): void
}

const CLOSES_AFTER_MS = 900

/** Has an agent answer what comes, after a moment, and close what is over, until what is returned is called. */
export function playAgent({ agent, answerIn, random, report }: AgentPorts): () => void {
  const due = new Map<ConversationId, NodeJS.Timeout>()

  function cancel(conversation: ConversationId): void {
    clearTimeout(due.get(conversation))
    due.delete(conversation)
  }

  function after(ms: number, conversation: ConversationId, act: () => Promise<unknown>): void {
    cancel(conversation)
    const run = (): void => {
      due.delete(conversation)
      act().catch((error: unknown) => {
        // Whoever has taken the conversation over answers now.
        if (agent.conversations().some(own => own.conversation === conversation && own.isMine)) report(error)
      })
    }
    due.set(conversation, setTimeout(run, ms))
  }

  async function answer(conversation: ConversationId): Promise<void> {
    const found = answerIn(conversation)
    if (found === undefined) return
    await agent.send(conversation, found === 'other' ? ANSWER_TO_OTHERS : found.content)
    if (found !== 'other' && found.isLast)
      after(CLOSES_AFTER_MS, conversation, () => agent.command(conversation, { do: 'close' }))
  }

  agent.on('message', ({ conversation, record, n }) => {
    if (record.by.role !== 'contact') {
      cancel(conversation)
      return
    }
    agent.read(conversation, n)
    agent.typing(conversation, true)
    after(between(random, 900, 2_200), conversation, () => answer(conversation))
  })
  agent.on('unassigned', ({ conversation }) => cancel(conversation))
  agent.on('error', report)
  return () => {
    for (const conversation of [...due.keys()]) cancel(conversation)
  }
}

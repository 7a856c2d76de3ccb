import { z } from 'zod'
import {
  ofConversation,
  queueCommand,
  queueDone,
  queueEntry,
  queueExplanation,
  queueListRequest,
  queueRow,
  queueTotals,
} from './queue-schemas.js'
import { simulationEvent, simulationRequest } from './simulation-schemas.js'

const since = '0.1.0'

/** The operations on the queue: part of the one table. */
export const QUEUE_OPERATIONS = {
  'queue.list': {
    summary: 'a page of the conversations that are not closed, in the order of their turns, and how many there are',
    request: queueListRequest,
    answer: z.object({ totals: queueTotals, conversations: z.array(queueRow), next: z.string().exactOptional() }),
    mutates: false,
    stream: false,
    since,
  },
  'queue.show': {
    summary: 'one conversation',
    request: ofConversation,
    answer: z.object({ conversation: queueEntry }),
    mutates: false,
    stream: false,
    since,
  },
  'queue.explain': {
    summary: 'why a conversation has its agent, or why it waits',
    request: ofConversation,
    answer: queueExplanation,
    mutates: false,
    stream: false,
    since,
  },
  'queue.command': {
    summary: 'assigns, transfers, requeues, closes or changes a conversation',
    request: queueCommand,
    answer: queueDone,
    mutates: true,
    stream: false,
    since,
  },
  'queue.simulate': {
    summary:
      'replays what was recorded under another policy: progress events, rows for teams and agents, then one result',
    request: simulationRequest,
    answer: simulationEvent,
    mutates: false,
    stream: true,
    since,
  },
} as const

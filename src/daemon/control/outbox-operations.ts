import { z } from 'zod'
import { outboxDone, outboxDrop, outboxListRequest, outboxRetry, outboxRow, outboxTotals } from './outbox-schemas.js'

const since = '0.1.0'

/** The operations on the outbox: part of the one table. */
export const OUTBOX_OPERATIONS = {
  'outbox.list': {
    summary: 'a page of the messages that have to go out through platforms, and how many there are',
    request: outboxListRequest,
    answer: z.object({ totals: outboxTotals, messages: z.array(outboxRow), next: z.string().exactOptional() }),
    mutates: false,
    stream: false,
    since,
  },
  'outbox.retry': {
    summary: 'has messages that were given up tried again, at their places',
    request: outboxRetry,
    answer: outboxDone,
    mutates: true,
    stream: false,
    since,
  },
  'outbox.drop': {
    summary: 'gives messages up for good, so that those behind them go',
    request: outboxDrop,
    answer: outboxDone,
    mutates: true,
    stream: false,
    since,
  },
} as const

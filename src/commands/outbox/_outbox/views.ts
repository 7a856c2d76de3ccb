import type { OutboxRowView } from '../../../daemon/control/client.js'
import type { ListColumn } from '../../_cli/output.js'
import { instantText, wordsOfDuration } from '../../_cli/words.js'

/** Columns of `kefu outbox list`, as of an instant (epoch ms). */
export function outboxColumns(nowMs: number): readonly ListColumn<OutboxRowView>[] {
  return [
    {
      key: 'written',
      header: 'WRITTEN',
      plain: row => instantText(row.at),
      human: row => `${wordsOfWait(nowMs - row.at)} ago`,
    },
    { key: 'channel', header: 'CHANNEL', plain: row => row.channel, isFlexible: true },
    { key: 'contact', header: 'CONTACT', plain: row => row.name ?? row.contact, isFlexible: true },
    { key: 'message', header: 'MESSAGE', plain: row => row.text, human: row => row.text || '–', isFlexible: true },
    { key: 'state', header: 'STATE', plain: row => row.state },
    { key: 'attempts', header: 'TRIED', align: 'right', plain: row => String(row.attempts) },
    {
      key: 'next',
      header: 'NEXT',
      plain: row => (row.retryAt === undefined ? '' : instantText(row.retryAt)),
      human: row => (row.retryAt === undefined ? '–' : wordsOfNext(row.retryAt - nowMs)),
    },
    {
      key: 'reason',
      header: 'REASON',
      plain: row => row.reason ?? '',
      human: row => row.reason ?? '–',
      isFlexible: true,
    },
    { key: 'id', header: 'ID', plain: row => row.id },
  ]
}

function wordsOfNext(ms: number): string {
  return ms <= 0 ? 'now' : `in ${wordsOfWait(ms)}`
}

function wordsOfWait(ms: number): string {
  return wordsOfDuration(Math.max(0, Math.floor(ms / 1_000) * 1_000))
}

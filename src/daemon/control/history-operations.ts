import {
  exportEvent,
  exportRequest,
  historyRecord,
  importAnswer,
  importRequest,
  showRequest,
  statsEvent,
  statsRequest,
  tailRequest,
  traceAnswer,
  traceRequest,
} from './history-schemas.js'

const since = '0.1.0'

/** The operations that read what was ever said: part of the one table. */
export const HISTORY_OPERATIONS = {
  'history.show': {
    summary: 'records of one conversation in order; with `follow` also those that come',
    request: showRequest,
    answer: historyRecord,
    mutates: false,
    stream: true,
    since,
  },
  'history.tail': {
    summary: 'records as they are appended, of all conversations or of some',
    request: tailRequest,
    answer: historyRecord,
    mutates: false,
    stream: true,
    since,
  },
  'history.export': {
    summary: 'all records up to now or some of them, in log order: records, progress events, then where to go on later',
    request: exportRequest,
    answer: exportEvent,
    mutates: false,
    stream: true,
    since,
  },
  'history.trace': {
    summary: 'the way of one message: what is known of each station, and what is not',
    request: traceRequest,
    answer: traceAnswer,
    mutates: false,
    stream: false,
    since,
  },
  'history.stats': {
    summary: 'how many records there are by day, channel, type or agent: progress events, then one result',
    request: statsRequest,
    answer: statsEvent,
    mutates: false,
    stream: true,
    since,
  },
  'history.import': {
    summary:
      'brings lines of an export into the log, with their times and numbers; what is there already is compared and stays',
    request: importRequest,
    answer: importAnswer,
    mutates: true,
    stream: false,
    since,
  },
} as const

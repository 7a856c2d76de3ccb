import type { Author } from '../../codec/wire.js'
import { type ErrorCode, type ErrorDetail, KefuError, toKefuError } from '../../errors.js'
import type { DocFilter, IndexPage, IndexQuery, SearchHit, TextQuery } from '../core/search.js'
import type { RecordBatch } from './batch.js'

/** What the main thread and the thread that searches say to each other. Messages are worked off one after the other, in the order in which they come. */

/** What the thread begins with. `origin`: which log the index has to be of; undefined while that is empty. */
export type ThreadData = { readonly path: string; readonly origin: string | undefined }

/** A question that has an answer. */
export type Ask =
  | { readonly type: 'search'; readonly query: IndexQuery; readonly budgetMs: number }
  | { readonly type: 'count'; readonly query: IndexQuery; readonly budgetMs: number }
  /** Which of these records are hits, and what they say. */
  | { readonly type: 'find'; readonly text: TextQuery; readonly filter: DocFilter; readonly batch: RecordBatch }
  /** How many of these records are hits. */
  | { readonly type: 'tally'; readonly text: TextQuery; readonly filter: DocFilter; readonly batch: RecordBatch }
  | { readonly type: 'remove'; readonly seqs: readonly number[] }
  /** Throws the index away and begins an empty one. */
  | { readonly type: 'reset' }
  /** Writes what is in memory, and ends. */
  | { readonly type: 'close' }

/** Answers by question. `indexedSeq`: what the index had when it was asked. */
export type Answers = {
  readonly search: IndexPage & { readonly indexedSeq: number }
  readonly count: { readonly count: number; readonly next?: number; readonly indexedSeq: number }
  readonly find: readonly FoundLine[]
  readonly tally: number
  readonly remove: undefined
  readonly reset: undefined
  readonly close: undefined
}

/** A hit as the thread tells it: without what is around it. */
export type FoundLine = Omit<SearchHit, 'before' | 'after'> & { readonly by: Author }

/** To the thread. `origin`: of the log, when the batch begins it. */
export type ToThread =
  | { readonly type: 'feed'; readonly batch: RecordBatch; readonly upTo: number; readonly origin?: string }
  | { readonly type: 'ask'; readonly id: number; readonly ask: Ask }

/** How the index stands, as the thread tells it. */
export type IndexState = {
  readonly indexedSeq: number
  readonly docs: number
  readonly segments: number
  readonly bytes: number
}

/** From the thread. `open` is its first word; `discarded` says why it begins with an empty index. */
export type FromThread =
  | { readonly type: 'open'; readonly state: IndexState; readonly discarded?: string }
  | { readonly type: 'fed'; readonly bytes: number; readonly state: IndexState }
  /** Segments were written or merged. */
  | { readonly type: 'maintained'; readonly state: IndexState }
  | { readonly type: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly type: 'failed'; readonly id: number; readonly failure: Failure }
  /** What is stored of the index cannot be read. */
  | { readonly type: 'damaged'; readonly failure: Failure }

/** An error as it crosses. */
export type Failure = { readonly code: ErrorCode; readonly detail: ErrorDetail }

/** An error, to cross. */
export function failureOf(error: unknown): Failure {
  const { code, detail } = toKefuError(error)
  return { code, detail }
}

/** An error that crossed. */
export function errorOf({ code, detail }: Failure): KefuError {
  return new KefuError(code, detail)
}

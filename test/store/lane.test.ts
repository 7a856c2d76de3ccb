import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OutboxRow } from '../../src/daemon/core/ports.js'
import { Lane } from '../../src/daemon/store/level/lane.js'
import { conversationId } from '../conformance/store-bench.js'
import { createManualClock, type ManualClock } from '../helpers/manual-clock.js'
import { Random } from '../helpers/random.js'

const CONVERSATIONS = 12
const STEPS = 6_000

type Job = { row: OutboxRow; by: 'nobody' | 'worker' | 'operator' }

/** A lane as a list that is searched from its beginning each time. */
class Model {
  readonly #clock: ManualClock
  jobs: Job[] = []

  constructor(clock: ManualClock) {
    this.#clock = clock
  }

  add(row: OutboxRow): void {
    this.jobs.push({ row, by: 'nobody' })
    this.jobs.sort((a, b) => a.row.seq - b.row.seq)
  }

  /** The oldest that may go: the first of its conversation, due, and nobody has it or sends another one of it. */
  next(): Job | undefined {
    const passed = new Set(this.jobs.filter(({ by }) => by === 'worker').map(({ row }) => row.conversation))
    for (const job of this.jobs) {
      const { conversation, state, retryAt = 0 } = job.row
      if (passed.has(conversation)) continue
      if (job.by === 'nobody' && state !== 'parked' && retryAt <= this.#clock.now()) return job
      passed.add(conversation)
    }
    return undefined
  }

  gone(job: Job): void {
    this.jobs = this.jobs.filter(each => each !== job)
  }
}

/** What a lane hands out now, if anything. */
async function nextOf(lane: Lane): Promise<OutboxRow | undefined> {
  const abort = new AbortController()
  const next = lane.next(abort.signal)
  setImmediate(() => abort.abort())
  return await next
}

for (const seed of [1, 2, 3])
  test(`a lane does what a list does, whatever workers and operators do (seed ${seed})`, async () => {
    const random = new Random(seed)
    const clock = createManualClock()
    const lane = new Lane(clock)
    const model = new Model(clock)
    const one = <T>(items: readonly T[]): T | undefined => items[random.integer(0, Math.max(0, items.length - 1))]
    const by = (who: Job['by']) => model.jobs.filter(job => job.by === who)
    // Far apart, so that retried ones come between them.
    let seq = 0
    const fresh = (at: number): OutboxRow => {
      const conversation = conversationId(at % CONVERSATIONS)
      return { lane: 'ch:7', conversation, n: at, seq: at, state: 'queued', attempts: 0 }
    }
    const steps: readonly (() => void | Promise<void>)[] = [
      () => {
        seq += random.integer(1, 3)
        lane.add(fresh(seq))
        model.add(fresh(seq))
      },
      () => {
        const at = random.integer(1, seq)
        if (seq === 0 || model.jobs.some(({ row }) => row.seq === at)) return
        lane.add(fresh(at))
        model.add(fresh(at))
      },
      async () => {
        const expected = model.next()
        assert.deepEqual(await nextOf(lane), expected?.row)
        if (expected !== undefined) expected.by = 'worker'
      },
      () => {
        const job = one(by('worker'))
        if (job === undefined) return
        const { retryAt: _, ...row } = job.row
        const kind = random.integer(0, 3)
        if (kind === 0) {
          job.row = { ...row, state: 'parked' }
        } else if (kind === 1) {
          job.row = { ...row, state: 'retrying', retryAt: clock.now() + random.integer(0, 50) }
        } else {
          model.gone(job)
          lane.gone(row, true)
          return
        }
        job.by = 'nobody'
        lane.put(job.row, true)
      },
      () => {
        const job = one(by('nobody'))
        if (job === undefined) return
        const { conversation } = job.row
        const known = lane.find(conversation, job.row.seq)!
        assert.deepEqual(known, job.row)
        assert.equal(lane.take(known), true)
        assert.equal(lane.take(known), false)
        job.by = 'operator'
      },
      () => {
        const job = one(by('operator'))
        if (job === undefined) return
        assert.equal(lane.find(job.row.conversation, job.row.seq)?.state, 'sending')
        if (random.integer(0, 1) === 0) {
          model.gone(job)
          lane.gone(job.row, false)
          return
        }
        const { retryAt: _, ...row } = job.row
        job.row = { ...row, state: 'queued' }
        job.by = 'nobody'
        lane.put(job.row, false)
      },
      // Again and again, while nobody asks for anything: each time the line leaves its place.
      () => {
        const first = one(by('nobody').filter(({ row }) => row.state === 'queued'))
        for (let times = first === undefined ? 0 : random.integer(1, 60); times > 0; times--) {
          lane.take(lane.find(first!.row.conversation, first!.row.seq)!)
          lane.put(first!.row, false)
        }
      },
      () => clock.advance(random.integer(0, 20)),
    ]
    for (let i = 0; i < STEPS; i++) {
      // Phases in which operators are alone leave many void places behind.
      const isQuiet = Math.floor(i / 1_000) % 2 === 1
      const step = one(isQuiet ? steps.toSpliced(2, 2) : steps)!
      await step()
      if (i % 1_500 === 1_499) {
        lane.reset()
        model.jobs = model.jobs.filter(job => job.by !== 'nobody')
        for (const { row } of model.jobs) assert.equal(lane.find(row.conversation, row.seq)?.state, 'sending')
      }
    }
    for (const job of by('worker')) {
      lane.gone(job.row, true)
      model.gone(job)
    }
    for (const job of by('operator')) {
      lane.gone(job.row, false)
      model.gone(job)
    }
    for (const { conversation } of [...new Set(model.jobs.map(({ row }) => row))])
      for (const parked of lane.parked(conversation)) {
        const job = model.jobs.find(({ row }) => row.seq === parked.seq)!
        assert.equal(job.row.state, 'parked')
        lane.take(parked)
        job.row = { ...parked, state: 'queued' }
        lane.put(job.row, false)
      }
    clock.advance(1_000)
    for (let expected = model.next(); expected !== undefined; expected = model.next()) {
      assert.deepEqual(await nextOf(lane), expected.row)
      lane.gone(expected.row, true)
      model.gone(expected)
    }
    assert.deepEqual(model.jobs, [])
    assert.equal(await nextOf(lane), undefined)
  })

import { KefuError } from '../../errors.js'
import { Fifo } from '../core/fifo.js'
import type { BusPort, Clock } from '../core/ports.js'
import { SILENT, type StoreLogger } from './options.js'

/** Payload bytes that may wait for delivery; what is published beyond is dropped, as the port allows. */
const WAITING_LIMIT_BYTES = 64 * 1024 * 1024

type Callback = (payload: Uint8Array, reply?: (answer: Uint8Array) => void) => void
type Delivery = {
  readonly callbacks: readonly Subscription[]
  readonly payload: Uint8Array
  readonly reply: ((answer: Uint8Array) => void) | undefined
}
type Subscription = { readonly callback: Callback; isOpen: boolean }

/** The bus of a single process: what is published is delivered in order, in a microtask after the publisher's turn. */
export function createBus({
  clock,
  logger = SILENT,
}: {
  readonly clock: Clock
  readonly logger?: StoreLogger
}): BusPort {
  const topics = new Map<string, readonly Subscription[]>()
  const waiting = new Fifo<Delivery>()
  let waitingBytes = 0
  let isScheduled = false

  function enqueue(topic: string, payload: Uint8Array, reply?: (answer: Uint8Array) => void): void {
    const callbacks = topics.get(topic)
    if (callbacks === undefined) return
    if (waitingBytes + payload.length > WAITING_LIMIT_BYTES) {
      logger.warn({ topic }, 'bus.dropped')
      return
    }
    waiting.push({ callbacks, payload, reply })
    waitingBytes += payload.length
    if (isScheduled) return
    isScheduled = true
    queueMicrotask(deliver)
  }

  function deliver(): void {
    isScheduled = false
    for (const { callbacks, payload, reply } of waiting.drain()) {
      waitingBytes -= payload.length
      for (const subscription of callbacks) {
        if (!subscription.isOpen) continue
        try {
          subscription.callback(payload, reply)
        } catch (error) {
          logger.error({ err: error }, 'bus.callback_failed')
        }
      }
    }
  }

  return {
    publish(topic, payload) {
      enqueue(topic, payload)
    },
    subscribe(topic, callback) {
      const subscription: Subscription = { callback, isOpen: true }
      topics.set(topic, [...(topics.get(topic) ?? []), subscription])
      return () => {
        subscription.isOpen = false
        const rest = (topics.get(topic) ?? []).filter(other => other !== subscription)
        if (rest.length === 0) topics.delete(topic)
        else topics.set(topic, rest)
      }
    },
    request(topic, payload, timeoutMs) {
      return new Promise((resolve, reject) => {
        const cancel = clock.after(timeoutMs, () =>
          reject(new KefuError('KEFU_TIMEOUT', { what: `the answer on ${topic}`, timeoutMs })),
        )
        enqueue(topic, payload, answer => {
          cancel()
          resolve(answer)
        })
      })
    },
  }
}

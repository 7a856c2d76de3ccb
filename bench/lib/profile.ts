import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { round } from './latency.js'

type Node = {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
}

type CpuProfile = {
  readonly nodes: readonly Node[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

/** A function's own time: share of the busy time, in percent. */
export type SelfTime = { readonly name: string; readonly place: string; readonly percent: number }

/** Where one thread spent its time. */
export type ThreadProfile = {
  readonly file: string
  readonly busyMs: number
  readonly functions: readonly SelfTime[]
}

/** Every `.cpuprofile` of a folder, busiest thread first. */
export function readProfiles(folder: string, limit: number): ThreadProfile[] {
  return readdirSync(folder)
    .filter(file => file.endsWith('.cpuprofile'))
    .map(file => ({ file, ...readProfile(join(folder, file), limit) }))
    .sort((a, b) => b.busyMs - a.busyMs)
}

/** The functions with the most time of their own in a `.cpuprofile`, and how busy the thread was. Idle time is left out. */
function readProfile(
  file: string,
  limit: number,
): { readonly busyMs: number; readonly functions: readonly SelfTime[] } {
  const profile = JSON.parse(readFileSync(file, 'utf8')) as CpuProfile
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]))
  const times = new Map<string, number>()
  let busy = 0
  for (const [i, id] of profile.samples.entries()) {
    const delta = profile.timeDeltas[i]!
    const frame = frames.get(id)
    if (frame === undefined || frame.functionName === '(idle)') continue
    busy += delta
    const place =
      frame.url === ''
        ? ''
        : `${frame.url.replace(/^.*\/(?=(src|dist|bench|node_modules)\/)/, '')}:${frame.lineNumber + 1}`
    const key = `${frame.functionName || '(anonymous)'}\t${place}`
    times.set(key, (times.get(key) ?? 0) + delta)
  }
  const functions = [...times.entries()]
    .sort((a, b) => b[1] - a[1])
    .slice(0, limit)
    .map(([key, time]) => {
      const [name = '', place = ''] = key.split('\t')
      return { name, place, percent: round((time / busy) * 100) }
    })
  return { busyMs: round(busy / 1000), functions }
}

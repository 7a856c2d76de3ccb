import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'

/** What a figure is worth nothing without. */
export function describeMachine(): object {
  const processors = cpus()
  return {
    cpu: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    memoryBytes: totalmem(),
    loadAverage: loadavg().map(value => Math.round(value * 100) / 100),
    kernel: release(),
    node: process.versions.node,
    openFileLimit: openFileLimit(),
  }
}

/** Commit of the checkout, and whether it has been changed since. */
export function describeCommit(root: string): object {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
    return { commit: git('rev-parse', 'HEAD'), isDirty: git('status', '--porcelain', '--', 'src', 'bench') !== '' }
  } catch {
    return { commit: 'unknown', isDirty: true }
  }
}

function openFileLimit(): number | undefined {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return limit === undefined ? undefined : Number(limit)
  } catch {
    return undefined
  }
}

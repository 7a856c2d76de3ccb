import { execFileSync, fork } from 'node:child_process'
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { endWithParent } from './children.js'

/**
 * SQLite's FTS5 with its `trigram` tokenizer over the same texts, as the one that stands beside kefu's index. It runs in a process of its own, on a Node 24 that
 * has SQLite in it: fetched from the package registry when this is asked for the first time.
 */

/** What is asked of it: texts by seq as lines of JSON on its stdin, then these. */
export type Fts5Question = { readonly name: string; readonly text: string }

/** What it answers. */
export type Fts5Result = {
  readonly sqlite: string
  readonly docsPerSecond: number
  readonly bytes: number
  /** Of each question: how long its 20 newest hits took, and how many there were. */
  readonly answers: readonly { readonly name: string; readonly ms: number; readonly hits: number }[]
}

const LIMIT = 20
const BATCH = 10_000

/** Builds the table from `texts`, in order, and asks each question once. */
export async function runFts5(
  folder: string,
  texts: Iterable<string>,
  questions: readonly Fts5Question[],
): Promise<Fts5Result> {
  const script = new URL('../../../scripts/node24.js', import.meta.url)
  const execPath = execFileSync(process.execPath, [script.pathname], { encoding: 'utf8', stdio: ['ignore', 'pipe', 2] })
  mkdirSync(folder, { recursive: true })
  const child = fork(new URL(import.meta.url), [join(folder, 'fts5.db')], {
    // npm may have said something before.
    execPath: execPath.trim().split('\n').at(-1)!,
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['pipe', 'ignore', 2, 'ipc'],
  })
  endWithParent(child)
  const result = new Promise<Fts5Result>((resolve, reject) => {
    child.once('message', answer => resolve(answer as Fts5Result))
    child.once('exit', code => reject(new Error(`SQLite's process ended with ${code}`)))
  })
  child.send(questions)
  const input = child.stdin!
  let lines = ''
  const write = async (): Promise<void> => {
    const isRoomLeft = input.write(lines)
    lines = ''
    if (!isRoomLeft) await Promise.race([new Promise(resolve => input.once('drain', resolve)), result])
  }
  for (const text of texts) {
    lines += `${JSON.stringify(text)}\n`
    if (lines.length > 256 * 1024) await write()
  }
  await write()
  input.end()
  return result.finally(() => child.kill())
}

/** The part of `node:sqlite` that is used: Node 20's types do not know it. */
type Sqlite = {
  DatabaseSync: new (
    path: string,
  ) => {
    exec(sql: string): void
    prepare(sql: string): { run(...values: unknown[]): unknown; all(...values: unknown[]): object[] }
    close(): void
  }
}

async function serve(path: string): Promise<void> {
  const { DatabaseSync } = (await import('node:sqlite' as string)) as Sqlite
  const questions = await new Promise<Fts5Question[]>(resolve =>
    process.once('message', asked => resolve(asked as Fts5Question[])),
  )
  const database = new DatabaseSync(path)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536')
  database.exec(`CREATE VIRTUAL TABLE docs USING fts5(text, tokenize = 'trigram', detail = 'full')`)
  const insert = database.prepare('INSERT INTO docs(rowid, text) VALUES (?, ?)')
  let seq = 0
  let spentMs = 0
  let batch: string[] = []
  const store = (): void => {
    const startedAt = performance.now()
    database.exec('BEGIN')
    for (const line of batch) insert.run(++seq, JSON.parse(line))
    database.exec('COMMIT')
    batch = []
    spentMs += performance.now() - startedAt
  }
  for await (const line of createInterface({ input: process.stdin })) {
    batch.push(line)
    if (batch.length >= BATCH) store()
  }
  store()
  const byWords = database.prepare('SELECT rowid FROM docs WHERE docs MATCH ? ORDER BY rowid DESC LIMIT ?')
  const byScan = database.prepare('SELECT rowid FROM docs WHERE text LIKE ? ORDER BY rowid DESC LIMIT ?')
  const answers = questions.map(({ name, text }) => {
    const startedAt = performance.now()
    // Less than three characters are in no trigram.
    const rows =
      [...text].length < 3 ? byScan.all(`%${text}%`, LIMIT) : byWords.all(`"${text.replaceAll('"', '""')}"`, LIMIT)
    return { name, ms: performance.now() - startedAt, hits: rows.length }
  })
  const [version] = database.prepare('SELECT sqlite_version() AS version').all() as { version: string }[]
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
  process.send?.({
    sqlite: version!.version,
    docsPerSecond: Math.round(seq / (spentMs / 1_000)),
    bytes: statSync(path).size,
    answers,
  } satisfies Fts5Result)
}

if (process.send !== undefined && process.argv[1] === new URL(import.meta.url).pathname) {
  process.once('disconnect', () => process.exit(0))
  await serve(process.argv[2]!)
}

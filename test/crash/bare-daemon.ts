import { homedir, tmpdir } from 'node:os'
import type { ConversationId } from '../../src/codec/conversation-id.js'
import { resolveDirs } from '../../src/daemon/config/dirs.js'
import { loadConfig } from '../../src/daemon/config/load.js'
import type { Appended, AppendOptions, Store } from '../../src/daemon/core/ports.js'
import type { RecordBody } from '../../src/daemon/core/records.js'
import { runDaemon } from '../../src/daemon/main.js'
import { createLog } from '../../src/daemon/observe/log.js'
import { createStderrSink } from '../../src/daemon/observe/log-sinks.js'
import { openEmbedded } from '../../src/daemon/open-store.js'

/**
 * The daemon without the command line around it, which would have to be loaded at each of many starts. Where `hasty` is among its arguments it has a defect
 * sown in: it acknowledges a message before it has been written. The crash harness has to find it out.
 */

function hasty(store: Store): Store {
  const expected = new Map<ConversationId, number>()
  return {
    ...store,
    log: {
      ...store.log,
      append(
        conversation: ConversationId,
        bodies: readonly RecordBody[],
        options: AppendOptions = {},
      ): Promise<Appended> {
        const before = expected.get(conversation) ?? store.log.cachedHead(conversation)?.n ?? 0
        const n = before + bodies.length + (before === 0 && options.opening !== undefined ? 1 : 0)
        const written = store.log.append(conversation, bodies, options)
        if (options.id === undefined || before === 0) return written
        expected.set(conversation, n)
        written.then(
          appended => expected.set(conversation, Math.max(appended.n, expected.get(conversation) ?? 0)),
          () => expected.delete(conversation),
        )
        return Promise.resolve({ n, cursor: store.log.cursor(), at: Date.now(), duplicate: false })
      },
    },
  }
}

const home = process.argv[process.argv.indexOf('--home') + 1] ?? ''
const dirs = resolveDirs({
  home,
  environment: {},
  userHome: homedir(),
  temporaryDir: tmpdir(),
  uid: process.getuid?.(),
})
const { config } = await loadConfig({ flags: new Map(), environment: {}, file: dirs.configFile })
process.exitCode = await runDaemon({
  config,
  dirs,
  version: 'bare',
  log: createLog('error', createStderrSink(false)),
  connectionLimit: 1_000,
  openStore: process.argv.includes('hasty') ? async (...where) => hasty(await openEmbedded(...where)) : openEmbedded,
})

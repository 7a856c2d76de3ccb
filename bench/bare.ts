import { readFlags } from './lib/arguments.js'
import { LOAD_FLAGS, loadOptions, report } from './lib/report.js'
import { runRound } from './lib/round.js'
import { startBare } from './lib/server.js'

/** The bare loop alone: what this machine can do with these parts. Prints one JSON document. */

const flags = readFlags(LOAD_FLAGS)
const options = loadOptions(flags)
const rounds = []
for (let i = 0; i < flags.rounds; i++) rounds.push(await runRound(() => startBare(flags.agents), options))
report('bare', flags, { rounds })

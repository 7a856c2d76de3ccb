import { readFlags } from './lib/arguments.js'
import { announce, LOAD_FLAGS, loadOptions, report } from './lib/report.js'
import { runRound } from './lib/round.js'
import { startBare } from './lib/server.js'

/** The bare loop alone: what this machine can do with these parts. Prints one JSON document. */

const flags = readFlags(LOAD_FLAGS)
const options = loadOptions(flags)
const rounds = []
for (let i = 0; i < flags.rounds; i++) {
  const round = await runRound(() => startBare(flags.agents), options)
  announce(round)
  rounds.push(round)
}
report('bare', flags, { rounds })

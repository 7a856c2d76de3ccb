import type { Hook } from '@oclif/core/interfaces'
import { unknownCommand } from './unknown-command.js'

/** A word that is no command: a usage error with the nearest command. Never asks. */
const hook: Hook.CommandNotFound = ({ id, config }) => {
  throw unknownCommand(id.split(':'), config)
}

export default hook

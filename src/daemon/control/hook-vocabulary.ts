/** The words of hooks that commands need before they call the daemon: without the schemas of its operations. */

export { HOOK_STATES, HOOK_STOPS } from '../core/hook.js'
export { RECORD_TYPES } from '../core/records.js'

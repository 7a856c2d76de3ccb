/** The words of hooks that commands need before they call the daemon: without the schemas of its operations. */

export { HOOK_EVENTS, HOOK_STATES, HOOK_STOPS } from '../core/hook.js'

export { CREDENTIAL_KEEP_MS, MASTER_KEY_KINDS } from '../core/vault.js'

import { storeSuite } from '../conformance/store.suite.js'
import { memorySubject } from './subjects.js'

storeSuite('memory', memorySubject, { capabilities: { restart: { reason: 'it is gone with its process' } } })

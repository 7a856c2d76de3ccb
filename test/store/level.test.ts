import { storeSuite } from '../conformance/store.suite.js'
import { levelSubject } from './subjects.js'

storeSuite('level', () => levelSubject(), { capabilities: { restart: true } })

import { channelSuite } from '../conformance/channel.suite.js'
import { KIT } from './wecom-kf-kit.js'

channelSuite(KIT)

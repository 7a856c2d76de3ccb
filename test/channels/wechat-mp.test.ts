import { channelSuite } from '../conformance/channel.suite.js'
import { WECHAT_MP_KIT } from './wechat-mp-kit.js'

channelSuite(WECHAT_MP_KIT)

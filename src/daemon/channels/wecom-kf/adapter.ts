import type { Adapter, AdapterInput, AdapterPorts, ChannelDriver } from '../../core/channel-adapter.js'
import { WECOM_KF } from '../tables/wecom-kf.js'
import { companyOf } from './account.js'
import { createKfApi } from './api.js'
import { createReceiver } from './callback.js'
import { checkKf } from './check.js'
import { fetchFile } from './files.js'
import { Passes } from './passes.js'
import { pullKf } from './pull.js'
import { createSender } from './sender.js'
import { WelcomeCodes } from './welcome-codes.js'

/** 微信客服. A callback only signals; what has happened is pulled. */
export const WECOM_KF_DRIVER: ChannelDriver = { table: WECOM_KF, open: openKf }

function openKf(ports: AdapterPorts, input: AdapterInput): Adapter {
  const { clock, random } = ports
  const company = companyOf(input)
  const receive = createReceiver(company, input)
  const api = createKfApi(ports, company, input)
  const codes = new WelcomeCodes(clock, company.welcomeMs)
  const passes = new Passes(clock)
  const send = createSender({ api, clock, random, codes })
  return {
    receive(callback) {
      const reception = receive(callback)
      if (reception.signal !== undefined) passes.note(reception.signal)
      return reception
    },
    pull: (signal, cursor, abort) => pullKf({ api, clock, passes, codes }, signal, cursor, abort),
    send,
    fetchFile: (source, limitBytes, abort) => fetchFile(api, source, limitBytes, abort),
    check: abort => checkKf({ company, input, api, clock, random, receive }, abort),
  }
}

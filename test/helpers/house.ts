import type { TestContext } from 'node:test'
import WebSocket from 'ws'
import { type AppClient, createApp, type WebSocketConstructor } from '../../src/client/index.js'
import { DaemonProcess, LOAD_TEST_CONFIG } from './daemon-process.js'
import { tmpDir } from './tmp-dir.js'

/** A daemon that can be killed and started again, with an app channel whose client finds it. */
export class House {
  readonly home: string
  daemon!: DaemonProcess
  app!: AppClient
  #url = ''

  private constructor(home: string) {
    this.home = home
  }

  static async open(t: TestContext): Promise<House> {
    const house = new House(tmpDir(t))
    t.after(() => house.daemon.kill())
    await house.start()
    const { token } = await house.daemon.control<{ token: string }>('channel.add', { kind: 'app', name: 'app' })
    const url = (): string => house.#url
    class Redirected extends WebSocket {
      constructor(_: string, protocols: string | string[]) {
        super(url(), protocols, { perMessageDeflate: false })
      }
    }
    const webSocket = Redirected as unknown as WebSocketConstructor
    house.app = createApp({ url: url(), token, webSocket, random: () => 0.01 })
    t.after(() => house.app.close())
    await house.app.ready()
    return house
  }

  async start(): Promise<void> {
    this.daemon = await DaemonProcess.start({ home: this.home, config: LOAD_TEST_CONFIG })
    this.#url = await this.daemon.socketUrl()
  }

  async killAndStart(): Promise<void> {
    await this.daemon.kill()
    await this.start()
  }
}

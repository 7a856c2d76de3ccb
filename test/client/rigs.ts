import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'node:test'
import { ROOT } from '../helpers/project.js'
import { makeTmpDir, removeDir } from '../helpers/tmp-dir.js'
import { type FakeServer, startFakeServer } from './fake-server.js'

/** A server for each test of a `describe`, and the clients that the test has made, which end with it. */
export type ClientRig = {
  readonly server: FakeServer
  /** Has a client closed with the test; returns it. */
  keep<C extends { close(): Promise<void> }>(client: C): C
}

/** Call once in a `describe`. */
export function useClients(): ClientRig {
  let server: FakeServer
  let clients: { close(): Promise<void> }[] = []
  beforeEach(async () => {
    server = await startFakeServer()
    clients = []
  })
  afterEach(async () => {
    await Promise.all(clients.map(client => client.close()))
    await server.close()
  })
  return {
    get server() {
      return server
    },
    keep(client) {
      clients.push(client)
      return client
    },
  }
}

/** A chat as a program, with what it has written so far. */
export type Chat = {
  readonly child: ChildProcessWithoutNullStreams
  stdout: string
  stderr: string
  /** Its exit code; null when it was killed. */
  readonly ended: Promise<number | null>
}

/** A server and a home for each test of a `describe`, and the chats that the test has started, which end with it. */
export type ChatRig = {
  readonly server: FakeServer
  readonly home: string
  /** Starts `kefu chat …` with standard input open. */
  start(...args: string[]): Chat
}

/** Call once in a `describe`. */
export function useChats(): ChatRig {
  let server: FakeServer
  let home: string
  let children: ChildProcessWithoutNullStreams[] = []
  beforeEach(async () => {
    server = await startFakeServer()
    home = makeTmpDir()
    children = []
  })
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL')
    await server.close()
    removeDir(home)
  })
  return {
    get server() {
      return server
    },
    get home() {
      return home
    },
    start(...args) {
      const { KEFU_HOME: _, ...environment } = process.env
      const child = spawn(process.execPath, [join(ROOT, 'bin/run.js'), '--home', home, 'chat', ...args], {
        env: { ...environment, NO_COLOR: '1' },
      })
      children.push(child)
      const ended = new Promise<number | null>(resolve => child.once('close', resolve))
      const chat: Chat = { child, stdout: '', stderr: '', ended }
      child.stdout.on('data', chunk => {
        chat.stdout += chunk
      })
      child.stderr.on('data', chunk => {
        chat.stderr += chunk
      })
      return chat
    },
  }
}

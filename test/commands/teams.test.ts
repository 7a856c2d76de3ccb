import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createAgent, createVisitor } from '../../src/client/index.js'
import { kefuFails, kefuJson, runKefu } from '../helpers/cli.js'
import { DaemonProcess } from '../helpers/daemon-process.js'
import { makeTmpDir, removeDir } from '../helpers/tmp-dir.js'

type Team = {
  readonly id: string
  readonly name: string
  readonly members: readonly string[]
  readonly hours?: { readonly timeZone: string; readonly weekly: string; readonly holidays: readonly object[] }
  readonly overflow?: object
  readonly sla?: object
}
type TeamAnswer = { readonly team: Team; readonly changed: boolean }

type Agent = {
  readonly role: string
  readonly teams: readonly string[]
  readonly skills: object
  readonly languages: readonly string[]
  readonly capacity?: object
}
type AgentAnswer = { readonly agent: Agent; readonly changed: boolean }

const cycle = { code: 'KEFU_TEAM_CYCLE', exit: 14 }

describe('teams and settings of agents from the command line', () => {
  const home = makeTmpDir()
  const options = { home }
  let daemon: DaemonProcess
  before(async () => {
    daemon = await DaemonProcess.start({ home, config: 'http:\n  port: 0\n' })
    for (const name of ['li', '小王', 'zhou']) await kefuJson(['agent', 'add', name], options)
  })
  after(async () => {
    await daemon.kill()
    removeDir(home)
  })

  const team = (...words: string[]) => kefuJson<TeamAnswer>(['team', ...words], options)
  const agent = (...words: string[]) => kefuJson<AgentAnswer>(['agent', 'set', ...words], options)

  test('team add makes a team once, and shows it by names', async () => {
    const words = [
      'add',
      'refunds',
      '--member',
      '小王',
      '--member',
      'li',
      '--strategy',
      'round-robin',
      '--sticky',
      '0s',
    ]
    const added = await team(...words)
    assert.equal(added.changed, true)
    assert.match(added.team.id, /^t_[0-9A-Z]{26}$/)
    assert.deepEqual(added.team.members, ['li', '小王'])
    const [again, show] = await Promise.all([
      team(...words),
      runKefu(['team', 'show', 'refunds'], options),
      kefuFails(['team', 'add', 'refunds'], { code: 'KEFU_TEAM_EXISTS', exit: 14 }, options),
    ])
    assert.equal(again.changed, false)
    const facts = `team\trefunds\nid\t${added.team.id}\nstrategy\tround-robin\nsticky\t0s\nmember\tli\nmember\t小王\n`
    assert.ok(show.stdout.startsWith(facts), show.stdout)
    await runKefu(['team', 'remove', 'refunds', '-y'], options)
  })

  test('team set changes what is named and nothing else; what is so already is unchanged', async () => {
    const first = await runKefu(['team', 'add', 'day', '--member', 'li'], options)
    assert.equal(first.stderr, 'Next: kefu channel set CHANNEL --team day\n')
    const hours = ['--hours', 'mon-fri 9:00-18:00', '--time-zone', 'Asia/Shanghai']
    const open = await team('set', 'day', ...hours, '--holiday', '2026-10-01..2026-10-07')
    const weekly = { timeZone: 'Asia/Shanghai', weekly: 'Mon-Fri 09:00-18:00' }
    assert.deepEqual(open.team.hours, { ...weekly, holidays: [{ from: '2026-10-01', to: '2026-10-07' }] })
    const short = [{ from: '09:00', to: '12:00' }]
    const more = await team('set', 'day', '--holiday', '2026-10-10=09:00-12:00', '--remove-holiday', '2026-10-01')
    assert.deepEqual(more.team.hours, { ...weekly, holidays: [{ from: '2026-10-10', open: short }] })
    assert.equal((await team('set', 'day', '--hours', 'Mon-Fri 09:00-18:00')).changed, false)
    const sla = await team('set', 'day', '--first-response', '2m', '--next-response-of', 'urgent=30s')
    assert.deepEqual(sla.team.sla, { firstResponseMs: 120_000, perPriority: { urgent: { nextResponseMs: 30_000 } } })
    const members = await team('set', 'day', '--add-member', 'zhou', '--add-member', '小王', '--remove-member', 'li')
    assert.deepEqual(members.team.members, ['zhou', '小王'])
    const show = await runKefu(['team', 'show', 'day'], options)
    assert.match(
      show.stdout,
      /\nhours\tMon-Fri 09:00-18:00\ntime zone\tAsia\/Shanghai\nholiday\t2026-10-10=09:00-12:00\nfirst response\t2m\nnext response of urgent\t30s\n/,
    )
    const bare = await team('set', 'day', '--no-hours', '--no-response', '--no-member')
    assert.deepEqual([bare.team.hours, bare.team.sla, bare.team.members], [undefined, undefined, []])
    await runKefu(['team', 'remove', 'day', '-y'], options)
  })

  test('team list shows strategy, members, hours and overflow', async () => {
    await team('add', 'b', '--member', 'li', '--hours', 'Sat 10:00-16:00', '--time-zone', 'UTC')
    await team('add', 'a', '--overflow-to', 'b', '--overflow-after', '90s')
    const [list, page] = await Promise.all([
      runKefu(['team', 'list', '--fields', 'name,strategy,members,hours,overflow'], options),
      kefuJson<{ teams: Team[]; next: string }>(['team', 'list', '--sort', '-name', '--limit', '1'], options),
    ])
    assert.equal(list.stdout, 'a\tleast-active\t0\t\tb after 1m30s\nb\tleast-active\t1\tSat 10:00-16:00\t\n')
    assert.deepEqual([page.teams.map(({ name }) => name), typeof page.next], [['b'], 'string'])
    const used = { code: 'KEFU_TEAM_IN_USE', exit: 14, message: /the team "a" sends conversations to it/ }
    await Promise.all([
      kefuFails(['team', 'remove', 'b', '-y'], used, options),
      kefuFails(['team', 'set', 'b', '--overflow-to', 'a', '--overflow-after', '1m'], cycle, options),
    ])
    await team('set', 'a', '--no-overflow')
    for (const name of ['a', 'b']) await team('remove', name, '-y')
    const none = await runKefu(['team', 'list'], options)
    assert.deepEqual([none.stdout, none.stderr], ['', 'There are no teams. Next: kefu team add NAME\n'])
  })

  test('a channel may name a team, which is kept then', async () => {
    await team('add', 'refunds')
    type Channel = { readonly channel: { readonly team?: string; readonly origins: readonly string[] } }
    const add = ['channel', 'add', 'web', 'shop', '--origin', 'https://a.example', '--team', 'refunds']
    const { channel } = await kefuJson<Channel>(add, options)
    assert.equal(channel.team, 'refunds')
    const used = { code: 'KEFU_TEAM_IN_USE', exit: 14, message: /the channel "shop" sends conversations to it/ }
    const [again, list] = await Promise.all([
      kefuJson<{ changed: boolean }>(add, options),
      runKefu(['channel', 'list', '--fields', 'name,team'], options),
      kefuFails(['team', 'remove', 'refunds', '-y'], used, options),
      kefuFails(
        ['channel', 'set', 'shop', '--team', 'refund'],
        { code: 'KEFU_TEAM_NOT_FOUND', exit: 13, message: /did you mean "refunds"/ },
        options,
      ),
      kefuFails(['channel', 'add', 'app', 'x', '--team', 'y'], { code: 'KEFU_TEAM_NOT_FOUND', exit: 13 }, options),
      kefuFails(['channel', 'set', 'shop'], { code: 'KEFU_USAGE', exit: 2, message: /nothing to change/ }, options),
    ])
    assert.equal(again.changed, false)
    assert.equal(list.stdout, 'shop\trefunds\n')
    const none = await kefuJson<Channel>(['channel', 'set', 'shop', '--no-team'], options)
    assert.deepEqual([none.channel.team, none.channel.origins], [undefined, ['https://a.example']])
    const asked = { code: 'KEFU_INPUT_NEEDED', exit: 2, message: /Remove team refunds \(0 members\)\?/ }
    await kefuFails(['team', 'remove', 'refunds'], asked, options)
    const removed = await runKefu(['team', 'remove', 'refunds', '--yes'], options)
    assert.match(removed.stdout, /^team\trefunds\nid\tt_\w+\nresult\tremoved\n$/)
  })

  test('a channel names a bot, who is one, and keeps it until it is told otherwise', async () => {
    await kefuJson(['agent', 'add', 'helper'], options)
    await kefuJson(['channel', 'add', 'web', 'bots'], options)
    const noBot = { code: 'KEFU_USAGE', exit: 2, message: /helper is no bot: kefu agent set helper --role bot/ }
    await kefuFails(['channel', 'set', 'bots', '--bot', 'helper'], noBot, options)
    await kefuFails(['channel', 'set', 'bots', '--bot', 'nobody'], { code: 'KEFU_AGENT_NOT_FOUND', exit: 13 }, options)
    await agent('helper', '--role', 'bot')
    const set = () => runKefu(['channel', 'set', 'bots', '--bot', 'helper'], options)
    assert.match((await set()).stdout, /^bot\thelper$/m)
    assert.match((await set()).stdout, /^result\tunchanged$/m)
    assert.match(
      (await runKefu(['channel', 'set', 'bots', '--no-origin', '--language', 'zh'], options)).stdout,
      /^bot\thelper$/m,
    )
    const url = await daemon.socketUrl()
    const { token } = await kefuJson<{ token: string }>(['agent', 'token', 'helper'], options)
    const [bot, visitor] = [createAgent({ url, token }), createVisitor({ url, channel: 'bots' })]
    try {
      await bot.ready()
      await visitor.send('hello')
      const started = performance.now()
      while (bot.conversations().length === 0 && performance.now() - started < 30_000) await delay(5)
      const busy = { code: 'KEFU_AGENT_BUSY', exit: 14, message: /helper has open conversations \(1\)/ }
      await kefuFails(['agent', 'set', 'helper', '--role', 'agent'], busy, options)
      await visitor.closeConversation()
      await agent('helper', '--role', 'agent')
    } finally {
      await Promise.all([bot.close(), visitor.close()])
    }
    assert.doesNotMatch((await runKefu(['channel', 'set', 'bots', '--no-bot'], options)).stdout, /^bot/m)
    await runKefu(['agent', 'remove', 'helper', '-y'], options)
  })

  test('agent set changes what is named; show and list tell it', async () => {
    await team('add', 'vip', '--member', 'li')
    const set = await agent('li', '--skill', 'refund=3', '--skill', '发票=5', '--language', 'zh-cn', '--capacity', '8')
    assert.deepEqual([set.agent.skills, set.agent.languages], [{ refund: 3, 发票: 5 }, ['zh-CN']])
    const next = await agent('li', '--remove-skill', '发票', '--capacity-of', 'web=5', '--role', 'supervisor')
    assert.deepEqual([next.agent.skills, next.agent.role], [{ refund: 3 }, 'supervisor'])
    assert.deepEqual(next.agent.capacity, { total: 8, perKind: { web: 5 } })
    assert.equal((await agent('li', '--role', 'supervisor', '--skill', 'refund=3')).changed, false)
    const [show, list] = await Promise.all([
      runKefu(['agent', 'show', 'li'], options),
      runKefu(['agent', 'list', '--fields', 'name,role,teams,skills,languages,capacity'], options),
    ])
    const facts = '\nrole\tsupervisor\nteams\tvip\nskills\trefund=3\nlanguages\tzh-CN\ncapacity\t8 web=5\n'
    assert.ok(show.stdout.includes(facts), show.stdout)
    assert.equal(list.stdout.split('\n')[0], 'li\tsupervisor\tvip\trefund=3\tzh-CN\t8 web=5')
    const usual = await runKefu(['agent', 'list'], options)
    assert.match(usual.stdout, /^li\tsupervisor\t/)
    const bare = await agent('li', '--no-capacity', '--no-language', '--remove-skill', 'refund')
    assert.deepEqual([bare.agent.capacity, bare.agent.languages, bare.agent.skills], [undefined, [], {}])
    await runKefu(['agent', 'remove', 'li', '-y'], options)
    assert.deepEqual((await team('show', 'vip')).team.members, [])
  })

  test('what cannot be is refused before anything changes', async () => {
    await team('add', 'kept', '--member', 'zhou')
    const usage = { code: 'KEFU_USAGE', exit: 2 }
    const lost = { exit: 13, message: /did you mean "zhou"/ }
    await Promise.all([
      kefuFails(['team', 'set', 'kept'], { ...usage, message: /nothing to change/ }, options),
      kefuFails(['team', 'set', 'kept', '--hours', 'Mon'], { ...usage, message: /has no times/ }, options),
      kefuFails(['team', 'set', 'kept', '--hours', 'Mon 9:00-10:00'], { ...usage, message: /time zone/ }, options),
      kefuFails(['team', 'set', 'kept', '--holiday', 'easter'], { ...usage, message: /not a holiday/ }, options),
      kefuFails(['team', 'set', 'kept', '--no-hours', '--hours', 'closed'], usage, options),
      kefuFails(['team', 'set', 'kept', '--sticky', '100d'], usage, options),
      kefuFails(['team', 'set', 'kept', '--first-response-of', 'vip=1m'], { ...usage, message: /urgent=30s/ }, options),
      kefuFails(['team', 'set', 'kept', '--add-member', 'zho'], { ...lost, code: 'KEFU_AGENT_NOT_FOUND' }, options),
      kefuFails(['team', 'show', 'kep'], { code: 'KEFU_TEAM_NOT_FOUND', exit: 13, message: /"kept"/ }, options),
      kefuFails(['agent', 'set', 'zhou'], { ...usage, message: /nothing to change/ }, options),
      kefuFails(['agent', 'set', 'zhou', '--skill', 'refund'], { ...usage, message: /refund=3/ }, options),
      kefuFails(['agent', 'set', 'zhou', '--skill', 'refund=9'], { ...usage, message: /from 1 to 5/ }, options),
      kefuFails(['agent', 'set', 'zhou', '--capacity-of', 'sms=3'], { ...usage, message: /web=5/ }, options),
      kefuFails(['agent', 'set', 'zho', '--capacity', '3'], { ...lost, code: 'KEFU_AGENT_NOT_FOUND' }, options),
    ])
    const { team: kept } = await team('show', 'kept')
    assert.deepEqual([kept.members, kept.hours, kept.sla], [['zhou'], undefined, undefined])
  })
})

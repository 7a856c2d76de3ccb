/** Published and computed vectors of the callbacks of 微信 and 企业微信: what their encryption and signatures are held to. */
export type WechatVector = {
  readonly token: string
  readonly encodingAesKey: string
  readonly receiver: string
  readonly timestamp: string
  readonly nonce: string
  /** The 16 random bytes, as ASCII. */
  readonly random: string
  readonly encrypted: string
  readonly signature: string
  /** The message, where the vector tells it. */
  readonly message?: string
  readonly messageBytes?: number
}

const ZEROS = 'A'.repeat(43)
const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'

const MINI = { token: 'AAAAA', encodingAesKey: ZEROS, receiver: 'wxba5fad812f8e6fb9' }
const SDK = {
  token: '123456',
  encodingAesKey: 'kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR',
  receiver: 'wx49f0ab532d5d035a',
}
const KF = { token: 'kf-token', encodingAesKey: LETTERS, receiver: 'ww1234567890abcdef' }

/** Encrypted messages: `signature` is the `msg_signature` over token, timestamp, nonce and the encrypted text. */
export const WECHAT_VECTORS = {
  'mini program, received': {
    ...MINI,
    timestamp: '1714112445',
    nonce: '415670741',
    random: 'a8eedb185eb2fecf',
    encrypted:
      '+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04=',
    signature: '046e02f8204d34f8ba5fa3b1db94908f3df2e9b3',
    message:
      '{"ToUserName":"gh_97417a04a28d","FromUserName":"o9AgO5Kd5ggOC-bXrbNODIiE3bGY","CreateTime":1714112445,"MsgType":"event","Event":"debug_demo","debug_str":"hello world"}',
    messageBytes: 167,
  },
  'mini program, sent': {
    ...MINI,
    timestamp: '1713424427',
    nonce: '415670741',
    random: '707722b803182950',
    encrypted: 'ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ==',
    signature: '1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1',
    message: '{"demo_resp":"good luck"}',
    messageBytes: 25,
  },
  'the demo of the SDKs': {
    ...{
      token: 'QDG6eK',
      encodingAesKey: 'jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C',
      receiver: 'wx5823bf96d3bd56c7',
    },
    timestamp: '1409659813',
    nonce: '1372623149',
    random: '0960688932c47ef1',
    encrypted:
      'RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q==',
    signature: '477715d11cdb4164915debcba66cb864d751f3e6',
    message:
      '<xml><ToUserName><![CDATA[wx5823bf96d3bd56c7]]></ToUserName>\n<FromUserName><![CDATA[mycreate]]></FromUserName>\n<CreateTime>1409659813</CreateTime>\n<MsgType><![CDATA[text]]></MsgType>\n<Content><![CDATA[hello]]></Content>\n<MsgId>4561255354251345929</MsgId>\n<AgentID>218</AgentID>\n</xml>',
    messageBytes: 284,
  },
  'official account, UTF-8': {
    ...{ token: 'kefu-token', encodingAesKey: LETTERS, receiver: 'wx0123456789abcdef' },
    timestamp: '1700000000',
    nonce: 'nonce123',
    random: '0123456789abcdef',
    encrypted:
      'Q3stYC6hdFzMh9T8HCvyDJ4rESBupRSxsJzqQVNO7y8xX05+JTK6WrzwTuW5Tew+wx3Y4duWdaxOY5ZoNiz85R3GbXBOCytqIRykYnJ0I1cBom1dwZ41cQDCVlBOU1nwQL5abJVupIR15R07fb1cT45g2aq6hgFH1WLlS/Porqcs58EGCzSLb4i8oXw11/I10hyVmwAXOJSjMpeYs+fVnpVuLE3RvC5fOqKwj1d+1FYPFkaLESzi4+doLw8m/nO9x6oluX9ahz3zzvtwr6B+R1KI9Sp0rE3cnQ2WbPDV2JALGsuSO13xFJn03zveWW783jylaHCyRGdH7bkVoFYfu21SqiGz5qMopCRNML6ybrs/40wfxql+5KKh3JF8G5ZQ',
    signature: '65107d5c875c7bf7c112b164b6a0b7dcbadcaa5a',
    message:
      '<xml><ToUserName><![CDATA[gh_kefu]]></ToUserName><FromUserName><![CDATA[oUser1]]></FromUserName><CreateTime>1700000000</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[你好 kefu]]></Content><MsgId>24300000000000001</MsgId></xml>',
    messageBytes: 246,
  },
  '企业微信, echostr': {
    ...SDK,
    timestamp: '1411443780',
    nonce: '437374425',
    random: '2304fc2fe146f1f8',
    encrypted: '4ByGGj+sVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1+bXFXDQQb1o6co6Yh9Bv41n7hOchLF6p+Q==',
    signature: 'dd6b9c95b495b3f7e2901bfbc76c664930ffdb96',
    message: '5927782489442352469',
  },
  '企业微信, received': {
    ...SDK,
    timestamp: '1411525903',
    nonce: '461056294',
    random: 'ec90b1530358d4d3',
    encrypted:
      'RgqEoJj5A4EMYlLvWO1F86ioRjZfaex/gePD0gOXTxpsq5Yj4GNglrBb8I2BAJVODGajiFnXBu7mCPatfjsu6IHCrsTyeDXzF6Bv283dGymzxh6ydJRvZsryDyZbLTE7rhnus50qGPMfp2wASFlzEgMW9z1ef/RD8XzaFYgm7iTdaXpXaG4+BiYyolBug/gYNx410cvkKR2/nPwBiT+P4hIiOAQqGp/TywZBtDh1yCF2KOd0gpiMZ5jSw3e29mTvmUHzkVQiMS6td7vXUaWOMZnYZlF3So2SjHnwh4jYFxdgpkHHqIrH/54SNdshoQgWYEvccTKe7FS709/5t6NMxuGhcUGAPOQipvWTT4dShyqio7mlsl5noTrb++x6En749zCpQVhDpbV6GDnTbcX2e8K9QaNWHp91eBdCRxthuL0=',
    signature: '74d92dfeb87ba7c714f89d98870ae5eb62dff26d',
    messageBytes: 281,
  },
  '企业微信, sent': {
    ...SDK,
    timestamp: '1411525903',
    nonce: '461056294',
    random: '1234567890123456',
    encrypted:
      '9s4gMv99m88kKTh/H8IdkOiMg6bisoy3ypwy9H4hvSPe9nsGaqyw5hhSjdYbcrKk+j3nba4HMOTzHrluLBYqxgNcBqGsL8GqxlhZgURnAtObvesEl5nZ+uBE8bviY0LWke8Zy9V/QYKxNV2FqllNXcfmstttyIkMKCCmVbCFM2JTF5wY0nFhHZSjPUL2Q1qvSUCUld+/WIXrx0oyKQmpB6o8NRrrNrsDf03oxI1p9FxUgMnwKKZeOA/uu+2IEvEBtb7muXsVbwbgX05UPPJvFurDXafG0RQyPR+mf1nDnAtQmmNOuiR5MIkdQ39xn1vWwi1O5oazPoQJz0nTYjxxEE8kv3kFxtAGVRe3ypD3WeK2XeFYFMNMpatF9XiKzHo3',
    signature: '407518b7649e86ef23978113f92d27afa9296533',
    message:
      '<xml>\n<MsgType><![CDATA[text]]></MsgType>\n<Content><![CDATA[test]]></Content>\n<FromUserName><![CDATA[wx49f0ab532d5d035a]]></FromUserName>\n<ToUserName><![CDATA[messense]]></ToUserName>\n<AgentID>1</AgentID>\n<CreateTime>1411525903</CreateTime>\n</xml>',
  },
  '微信客服, event': {
    ...KF,
    timestamp: '1700000000',
    nonce: 'n0nce',
    random: 'fedcba9876543210',
    encrypted:
      'DpQeJfnf/MGZ/+GTIspwVBTVmOXjvwQnFoVInSIkwsxIeZ3KhklbsDAjRNw7kFv2NxFexz53pl/pE3wnV2Topcyrl7RBXiPL7QADetROrngrV1xDDyQytGnjRyyCvvXmT24ejQDWstlSG31pyTfjqH82fw8a1lrCJ+n39GQxXgrwFRo1qFnJCQxhou7kUdOeIYJKj3TGUlm9AH8yzKXrjBVU+eL1Ps7H5UI4eLAA6JjkD3Bz/O1jkjXoME/itqvSZ6kenxOt69ZggTby+MRJv70ZNzQ83VSD+WsKICin9ynB6zLztMoolYm1VdNGdVHB64TFo60u3Vicz3MxGdCBy2TCwB3Wo/Ie/x861HJVCdvUVNCTDR6N63AG+JwIajCkBfaS7d8oujeOZAQCR5Gobet76Yb2FZk8d8TQFVCdvgY=',
    signature: '3e682e85083142cc4a8a0a9080c62002fe3036e9',
    message:
      '<xml><ToUserName><![CDATA[ww1234567890abcdef]]></ToUserName><CreateTime>1700000000</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[kf_msg_or_event]]></Event><Token><![CDATA[ENCkefuToken0001]]></Token><OpenKfId><![CDATA[wkKefu000000000000]]></OpenKfId></xml>',
    messageBytes: 273,
  },
  '微信客服, echostr': {
    ...KF,
    timestamp: '1700000000',
    nonce: 'n0nce',
    random: 'aaaaaaaaaaaaaaaa',
    encrypted: '5I0ViYLQqCiDyNw9bygZh1hbKKLLRI94mjNgZDsO8O9HEMDuFSgv/orROCsOkNEZH2VDja8O+GgKtQ6154pdBw==',
    signature: '9f64f40fc3bbc1b825d3c81d1607e45bea71abd4',
    message: '6375520987654321',
  },
} as const satisfies Readonly<Record<string, WechatVector>>

/** Plain signatures: SHA-1 over the sorted texts. */
export const WECHAT_SIGNATURES: readonly { readonly texts: readonly string[]; readonly signature: string }[] = [
  { texts: ['AAAAA', '1714036504', '1514711492'], signature: 'f464b24fc39322e44b38aa78f5edd27bd1441696' },
  { texts: ['AAAAA', '1714037059', '486452656'], signature: '899cf89e464efb63f54ddac96b0a0a235f53aa78' },
  { texts: ['AAAAA', '1714112445', '415670741'], signature: '6c5c811b55cc85e0e1b54100749188c20beb3f5d' },
  { texts: ['kefu-token', '1700000000', 'nonce123'], signature: '752c3e932208b8a6394a0dd1666327b13b5533c4' },
  {
    texts: ['RMNlACHlV5ThzfRlVS4D4', 'timestamp', 'nonce', 'encrypt'],
    signature: '8edac0945683c119ee71c9f6256d76c48aa08a96',
  },
]

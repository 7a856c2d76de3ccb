/** The words that chat texts are made of, frequent ones first. */

const words = (text: string): readonly string[] => text.trim().split(/\s+/)

/** What people say that is hardly more than a nod. */
export const NODS = words(`
  好的 谢谢 嗯嗯 在吗 收到 好的谢谢 知道了 可以 你好 麻烦了 嗯 好 行 明白 没事 ok 对的 不用了 稍等 没问题 辛苦了 OK 是的 好吧 等一下 算了 不行 真的吗 有人吗 哦哦 再见 再等等 太慢了 已经好了
  没收到 不是这个 怎么回事 可以的 thanks 不客气 好哒 麻烦快一点 多谢 晚安 先这样 Hello 收到啦 我看看 还没有 搞定 不太懂 已付款 已拍下 在的 亲 嗯呢 抱歉 刚才掉线了 hi bye
`)

/** How a message begins. */
export const OPENERS = words(`
  你好， 您好， 请问 亲， 麻烦问一下， 在吗？ 客服你好， 我想问下 不好意思， 老板， 请教一下， 急！ 打扰了， 各位好， 哈喽， 早上好， 晚上好， 下午好， 辛苦帮我看看， 想咨询一下，
`)

/** What is sold. */
export const GOODS = words(`
  连衣裙 运动鞋 羽绒服 手机壳 充电宝 耳机 保温杯 洗面奶 面膜 书包 衬衫 牛仔裤 台灯 键盘 鼠标 电饭煲 空气炸锅 吹风机 被套 枕头 毛巾 牙刷 洗衣液 猫粮 狗粮 奶粉 纸尿裤 积木 绘本 钢笔 笔记本 平板电脑
  显示器 路由器 智能手表 数据线 音箱 投影仪 扫地机器人 加湿器 净化器 电热毯 暖风机 风扇 冰箱 洗衣机 微波炉 热水壶 豆浆机 榨汁机 砂锅 炒锅 菜刀 砧板 碗碟 筷子 茶叶 咖啡豆 坚果 牛肉干 螺蛳粉 火锅底料 酱油
  大米 橄榄油 蜂蜜 月饼 巧克力 矿泉水 行李箱 雨伞 墨镜 围巾 手套 帽子 袜子 拖鞋 靴子 凉鞋 皮带 钱包 项链 戒指 耳钉 手链 口红 眉笔 粉底液 防晒霜 香水 洗发水 沐浴露 护手霜 剃须刀 卷发棒 体重秤 瑜伽垫 哑铃
  跳绳 帐篷 睡袋 登山杖 自行车 头盔 滑板 鱼竿 羽毛球拍 篮球 窗帘 地毯 沙发 书架 衣柜 床垫 餐桌 椅子 花瓶 绿植 花盆 门锁 摄像头 灯泡 插座 螺丝刀 电钻 打印机 墨盒 硬盘 内存条 显卡 主板 机箱
`)

/** What it looks like, and which of it. */
export const LOOKS = words(`
  黑色 白色 红色 蓝色 灰色 粉色 绿色 米白 卡其色 藏青 紫色 黄色 咖啡色 银色 金色 橙色 墨绿 酒红 浅蓝 香槟色 奶茶色 透明 迷彩 雾霾蓝
  加厚 升级版 大号 中号 小号 均码 加绒 儿童款 情侣款 旗舰版 标准版 礼盒装 家庭装 旅行装 限定款 加长款 修身 宽松 复古 简约
`)

/** What can be wrong with it. */
export const TROUBLES = words(`
  坏了 还没发货 没收到 尺码不对 有色差 少发了一件 掉色 起球 破了个洞 开不了机 充不进电 有异味 漏水 包装破损 发错颜色 拉链坏了 太小了 太大了 过期了 和描述不符 屏幕碎了 连不上网 声音很小 没有说明书 缺配件
  按键失灵 发热严重 一直闪红灯 缩水了 脱线了 有划痕 生锈了 结块了 味道不对 假货吧 不保温 噪音特别大 用两天就断了 底部裂开 扣子掉了 标签被剪了 显示已签收 物流停了三天 扣了两次款 优惠没有减 密封条松了
  盖子拧不开 说好的赠品没有 镜片花了 电池鼓包 对不上螺丝孔 自动关机 闻着头晕 染到别的衣服上
`)

/** What is asked for. */
export const WISHES = words(`
  退款 换货 退货 开发票 修改地址 催一下发货 取消订单 查一下物流 补发 换个颜色 换个尺码 保修 上门取件 合并发货 价保 申请售后 改电话号码 推迟发货 拆单 转人工 投诉 加急 补差价 重新打包 查询余额 注销账号
  找回密码 修改昵称 解绑手机 领优惠券 换快递 寄到公司 预约安装 开收据 申请试用 升级会员 续费 关闭自动续费 提现 兑换积分
`)

/** Who carries it. */
export const CARRIERS = words('顺丰 中通 圆通 韵达 申通 邮政 极兔 京东 德邦 菜鸟驿站 丰巢 跑腿 同城送 EMS')

/** Where to. */
export const PLACES = words(`
  北京 上海 深圳 广州 杭州 成都 南京 武汉 重庆 西安 苏州 天津 长沙 郑州 青岛 宁波 东莞 合肥 佛山 厦门 福州 昆明 济南 沈阳 大连 哈尔滨 无锡 温州 泉州 南昌 贵阳 南宁 石家庄 太原 长春 兰州 海口 乌鲁木齐
  呼和浩特 银川 西宁 拉萨 珠海 中山 惠州 嘉兴 绍兴 金华 台州 徐州 常州 南通 扬州 烟台 潍坊 洛阳 宜昌 桂林 三亚 汕头
`)

/** When. */
export const TIMES = words(`
  今天 昨天 明天 前天 刚才 上周 下周一 周末 周三 上个月 月底 早上 晚上 中午 下午三点 十分钟前 半小时前 两天前 三天内 这周五 国庆前 双十一 年前 春节后 一个星期 下个月初 凌晨 七天内 当天 后天
`)

/** Characters that names of brands and people are made of. */
export const NAME_CHARACTERS = words(`
  星 禾 云 木 海 安 雅 乐 林 优 尚 佳 康 明 和 诚 宝 贝 小 青 山 川 竹 橙 蓝 白 鹿 鲸 鹤 松 果 茶 暖 月 日 光 辰 舟 野 谷 石 泉 悦 颜 衣 织 屋 巢 米 麦 拾 初 念 知 言 墨 南 北 西 东 春 夏 秋 冬 一
  半 万 千 百 方 圆 元 子 君 思 若 清 晨 雨 雪 风 然 萌 柚 桃 梨 杏 莓 栗 豆 芽 叶 花 朵 草
`)

/** Who does something. */
export const SUBJECTS = words(
  '我 你们 我们 客服 快递员 仓库 我妈 卖家 他 系统 同事 朋友 老公 孩子 店里 邻居 门卫 驿站 平台 师傅 技术 财务 主管 女儿 房东',
)

/** How, and whether. */
export const ADVERBS = words(`
  已经 还没 一直 不想 刚刚 马上 都 又 先 没有 可能 不能 应该 正在 总是 终于 突然 忘记 重新 顺便 经常 一起 居然 明明 根本 至少 提前 暂时 故意 再三 亲自 随便 及时 从来没 差点
`)

/** Does what. */
export const VERBS = words(`
  收到 看到 联系 问过 付了 打电话给 确认 检查 使用 打开 下载 填写 提交 等 换成 寄回 安装 选择 支持 删除 拒收 签收 测试 同意 核对 修好 拆开 弄丢 拍错 借走 催过 登记 打印 绑定 扫描 更新 复制 上传 保存 转发
  清洗 充满 退还 承诺 通知 授权 取出 盖上 调整 对比 推荐 隐藏 计算 转账给 评价 截图 拍摄 搬运 摆放 补交 认证 试穿 品尝 冷藏 加热 放弃 预订 赔偿
`)

/** What it is done to. */
export const OBJECTS = words(`
  快递 钱 东西 包裹 发票 订单 电话 地址 短信 链接 照片 尺码 说明书 优惠券 验证码 客服 赠品 差价 商品 盒子 页面 账号 密码 银行卡 二维码 仓库 押金 运费险 评价 积分 邮件 合同 保修卡 收据 配件 样品 色卡 面料
  接口 软件 程序 驱动 序列号 标签 袋子 泡沫 胶带 螺丝 遥控器 电源线 滤芯 内胆 盖子 把手 轮子 镜头 耳塞 表带 鞋带 里衬 领口 袖子 腰围 裤脚 身份证 营业执照 税号 会员卡 定金 尾款 红包 礼品卡 余额 流水 名额
  直播间 购物车 收藏夹 详情页 活动规则 生产日期 保质期 配料表 检测报告 质检单 运单 回执 备注 门牌号 楼层 电梯 大门 前台 物业 小区 学校 医院 办公室 停车场 车牌
`)

/** How it ends. */
export const ENDINGS = words('了 吗 呢 啊 吧 哦 的 呀 了吗 过 啦 怎么办 行不行 对不对 是吗 好不好 谢谢 嘛 哈 才对')

/** Family names. */
export const FAMILIES = words(
  '王 李 张 刘 陈 杨 黄 赵 周 吴 徐 孙 马 朱 胡 郭 何 林 高 罗 郑 梁 谢 宋 唐 许 邓 冯 韩 曹 曾 彭 萧 蔡 潘 田 董 袁 于 余 欧阳 司马',
)

/** English words for things. */
export const THINGS = words(`
  order parcel refund invoice size colour address coupon shoes jacket charger phone delivery payment return warranty discount cable box password account email screen battery manual
  gift receipt label tracking courier warehouse deposit balance membership bracelet kettle keyboard backpack blanket pillow lamp helmet camera printer adapter voucher
`)

/** English words for how it is. */
export const STATES = words(`
  late broken missing wrong damaged empty cancelled delayed cheap small large heavy noisy perfect fine lost expired scratched leaking slow frozen unpaid duplicated refused confirmed shipped
`)

/** Names before the @. */
export const MAILBOXES = words(
  'lily tom service wang.fei zhang_wei li88 anna hello support mike2020 chen.y happycat nora kefu zoe finance liu-yang peter sunny info',
)

/** Domains behind it: none of them can be anybody's. */
export const DOMAINS = words('mail.example shop.example corp.example example.com example.org example.cn')

/** Faces and signs, some of several code points. */
export const EMOJI = words(
  '😂 🙏 👍 😊 😭 ❤️ 🌹 😅 🤔 👌 🎉 😡 🐱 💪🏻 👍🏽 📦 🚚 💰 👩‍💻 👨‍👩‍👧 🇨🇳 😮‍💨 ✅ ❌ ☺️ 🧧 🥺 🙋🏻‍♀️ 🍵 1️⃣',
)

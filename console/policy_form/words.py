"""What the members of documents are called in the form: one entry a member, by its path below `spec`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.text import Text


@dataclass(frozen=True, slots=True)
class Words:
    """Label, hint and unit of a member; `add` is the button that adds to a list, `new` what is added then.

    `dense` says that the items of a list are many and short.
    """

    label: Text
    hint: Text | None = None
    unit: Text | None = None
    add: Text | None = None
    new: Any = ""
    dense: bool = False


DAYS, MINUTES, SECONDS, HOURS = (
    Text("天", "days"),
    Text("分钟", "minutes"),
    Text("秒", "seconds"),
    Text("小时", "hours"),
)
ZONE = Words(Text("时区", "Time zone"), Text("例如 Asia/Shanghai。", "Such as Asia/Shanghai."))
WINDOW_HINT = Text(
    "写成 22:00-08:00，可跨零点；全天写 00:00-24:00。",
    "Write 22:00-08:00; it may cross midnight, a whole day is 00:00-24:00.",
)
ADD_WINDOW = Text("添加时段", "Add a window")

FAMILIES: dict[str, Words] = {
    "numbers": Words(
        Text("隐藏号码", "Hidden numbers"),
        Text("使用人看不到客户号码，仍可拨打。", "The holder never sees a customer's number and still dials it."),
    ),
    "protection": Words(
        Text("防删除与外泄", "No deleting, no leaking"),
        Text("手机拒绝执行并上报。", "The phone refuses these, and reports the attempt."),
    ),
    "keywords": Words(
        Text("关键词", "Keywords"),
        Text("每条引用一个敏感词库。", "Each entry names a keyword set."),
        add=Text("添加关键词规则", "Add a keyword rule"),
        new={"set": "", "action": "warn", "severity": "warning", "direction": "out"},
    ),
    "work_hours": Words(
        Text("工作时间", "Work hours"),
        Text("时间之外按下面的限制执行。", "What holds outside these hours is set below them."),
    ),
    "contact_limits": Words(
        Text("联系频次", "Contact limits"),
        Text("何时、多频繁可以联系同一个人。", "When and how often somebody may be contacted."),
    ),
    "payments": Words(
        Text("收付款", "Payments"), Text("聊天中的红包、转账和收款码。", "Red packets, transfers and codes in chats.")
    ),
    "apps": Words(Text("应用", "Apps"), Text("工作手机上可用的应用。", "The apps that the work phone may run.")),
    "device": Words(Text("设备要求", "Device"), Text("手机本身应处的状态。", "The state that the phone has to be in.")),
    "archive": Words(
        Text("通信存档", "Archive"),
        Text("哪些通信留存、留存多久。", "What is kept of what is said, and how long."),
    ),
    "location": Words(
        Text("位置", "Location"), Text("关闭，或仅在工作时间内。", "Off, or during working hours alone.")
    ),
    "compliance": Words(
        Text("违规处置", "Compliance ladder"),
        Text(
            "手机持续不合规时逐级处置，以最严重的一级为准；擦除从不自动执行。",
            "What follows while a phone stays out of order. The most severe step reached wins; a wipe is never one.",
        ),
        add=Text("添加一级", "Add a step"),
        new={"when": "any", "after": "24h", "do": "alert"},
    ),
}
"""The families in the order in which an author reads them."""

NUMBERS = {
    "numbers.hide": Words(Text("隐藏哪些号码", "What is hidden")),
    "numbers.mask": Words(
        Text("掩码", "Masks"),
        Text(
            "“3+4”显示前 3 位和后 4 位；alias 只显示化名。",
            "“3+4” shows the first 3 and the last 4 characters; alias shows a made-up name.",
        ),
    ),
    "numbers.dial": Words(Text("拨打", "Dialling")),
    "numbers.incoming": Words(Text("来电号码", "Incoming numbers")),
    "numbers.delivery": Words(Text("号码下发方式", "How numbers get to the phone")),
    "numbers.reveal": Words(Text("查看真实号码", "Seeing the real number")),
}
PROTECTION = {"protection.deny": Words(Text("禁止的操作", "Refused on the phone"))}
KEYWORDS = {
    "keywords.set": Words(Text("敏感词库", "Keyword set")),
    "keywords.action": Words(Text("命中时", "When it hits")),
    "keywords.severity": Words(Text("级别", "Severity")),
    "keywords.direction": Words(Text("方向", "Direction")),
    "keywords.mode": Words(
        Text("模式", "Mode"),
        Text("试运行只在服务器记录，不打扰使用人。", "A trial is recorded on the server and disturbs nobody."),
    ),
    "keywords.say": Words(Text("对使用人的提示", "What the holder is told")),
    "keywords.say.zh-CN": Words(Text("中文", "Chinese")),
    "keywords.say.en": Words(Text("英文", "English")),
}
WORK_HOURS = {
    "work_hours.timezone": ZONE,
    "work_hours.calendar": Words(
        Text("节假日日历", "Calendar"), Text("节假日与调休按此日历。", "Holidays and make-up workdays follow it.")
    ),
    "work_hours.weekly": Words(
        Text("每周时段", "Hours of the week"),
        WINDOW_HINT,
        add=Text("添加一组日子", "Add days"),
        new=["09:00-18:00"],
    ),
    "work_hours.outside": Words(Text("非工作时间", "Outside these hours")),
    "work_hours.outside.call_out": Words(Text("去电", "Calls out")),
    "work_hours.outside.message_out": Words(Text("发消息", "Messages out")),
    "work_hours.outside.call_in": Words(Text("来电", "Calls in")),
    "work_hours.outside.location": Words(Text("定位", "Location")),
    "work_hours.outside.apps": Words(Text("工作应用", "Work apps")),
}
CONTACT_LIMITS = {
    "contact_limits.timezone": ZONE,
    "contact_limits.quiet_hours": Words(
        Text("免打扰时段", "Quiet hours"), WINDOW_HINT, add=ADD_WINDOW, new="22:00-08:00"
    ),
    "contact_limits.rules": Words(
        Text("频次限制", "Limits"),
        Text(
            "每条要么写计数、上限和周期，要么只写最短间隔。",
            "An entry has what is counted, its limit and its period, or a shortest gap alone.",
        ),
        add=Text("添加限制", "Add a limit"),
        new={
            "id": "limit",
            "key": "customer",
            "count": "effective_talk",
            "max": 3,
            "window": "day",
            "action": "warn",
        },
    ),
    "contact_limits.rules.id": Words(
        Text("标识", "Id"), Text("小写字母、数字和 -。", "Lower-case letters, digits and -.")
    ),
    "contact_limits.rules.key": Words(Text("按谁计", "Counted for each")),
    "contact_limits.rules.count": Words(Text("计什么", "What is counted")),
    "contact_limits.rules.max": Words(Text("上限", "At most"), unit=Text("次", "times")),
    "contact_limits.rules.window": Words(Text("周期", "Within")),
    "contact_limits.rules.min_gap": Words(Text("最短间隔", "Shortest gap")),
    "contact_limits.rules.action": Words(Text("超出时", "When exceeded")),
    "contact_limits.effective_talk_seconds": Words(
        Text("有效通话起点", "A talk counts from"),
        Text("接通达到此时长才算有效通话。", "A connected call that lasts this long is a talk."),
        SECONDS,
    ),
    "contact_limits.relations": Words(Text("按与客户的关系", "By relation to the customer")),
    "contact_limits.unknown_number": Words(Text("未登记的号码", "Numbers that nobody entered")),
}
PAYMENTS = {
    "payments.red_packet": Words(Text("红包", "Red packets")),
    "payments.transfer": Words(Text("转账", "Transfers")),
    "payments.collection_code": Words(Text("收款码", "Collection codes")),
}
APPS = {
    "apps.mode": Words(Text("名单方式", "Kind of list")),
    "apps.packages": Words(Text("应用名单", "The list"), add=Text("添加应用", "Add an app"), new={"name": ""}),
    "apps.packages.name": Words(Text("包名", "Package name"), Text("例如 com.tencent.mm。", "Such as com.tencent.mm.")),
    "apps.packages.filing": Words(Text("备案号", "Filing number")),
    "apps.packages.version": Words(Text("版本", "Version")),
    "apps.packages.reviewed": Words(Text("审核日期", "Reviewed on"), Text("例如 2026-11-01。", "Such as 2026-11-01.")),
    "apps.packages.reviewer": Words(Text("审核人", "Reviewer")),
    "apps.packages.region": Words(Text("许可地区", "Licensed region")),
    "apps.packages.review_due": Words(
        Text("下次审核", "Next review"), Text("例如 2027-11-01。", "Such as 2027-11-01.")
    ),
}
DEVICE = {
    "device.heartbeat_seconds": Words(
        Text("心跳间隔", "Heartbeat every"),
        Text("越短越及时，也越耗电。", "Shorter is more current and takes more battery."),
        SECONDS,
    ),
    "device.minimum_os": Words(Text("最低系统版本", "Oldest system version")),
    "device.maximum_patch_age_days": Words(Text("安全补丁不早于", "Security patch at most"), unit=DAYS),
    "device.require": Words(Text("必须具备", "Required")),
    "device.forbid": Words(Text("不得出现", "Forbidden")),
    "device.restrictions": Words(Text("禁用的功能", "Restrictions")),
    "device.maximum_offline_hours": Words(
        Text("最长离线", "Offline at most"),
        Text(
            "超过后手机自行锁定并清除通讯录，未上传记录保留。",
            "After that the phone locks itself and erases the book; what is unsent stays.",
        ),
        HOURS,
    ),
}
ARCHIVE = {
    "archive.channels": Words(Text("存档渠道", "Channels")),
    "archive.media": Words(Text("媒体文件", "Media")),
    "archive.media.kinds": Words(Text("类型", "Kinds")),
    "archive.media.wifi_only": Words(Text("仅用 Wi-Fi 上传", "Over Wi-Fi alone")),
    "archive.media.maximum_mb": Words(Text("单个文件上限", "Largest file"), unit=Text("MB", "MB")),
    "archive.recording": Words(
        Text("通话录音", "Call recording"),
        Text("必须录音时，不能录音就不能拨打。", "Where it is required, no recorder means no dialling."),
    ),
    "archive.retention_days": Words(
        Text("留存时间", "Kept for"), Text("1825 天为 5 年。", "1825 days are 5 years."), DAYS
    ),
}
LOCATION = {
    "location.mode": Words(Text("定位", "Location")),
    "location.every_minutes": Words(Text("定位间隔", "Every"), unit=MINUTES),
}
COMPLIANCE = {
    "compliance.when": Words(Text("出现哪些问题", "On which findings")),
    "compliance.after": Words(Text("持续", "After")),
    "compliance.do": Words(Text("处置", "Do")),
}
KEYWORD_SET = {
    "terms": Words(
        Text("词条", "Terms"),
        Text(
            "每条写一个词，或一个长度有界的 RE2 正则（用 {0,5} 代替 * 和 +）；例外整句出现时不算命中。",
            "Each entry is a term, or an RE2 pattern of bounded length ({0,5} instead of * and +). "
            "Where one of its exceptions stands, it does not hit.",
        ),
        add=Text("添加词条", "Add a term"),
        dense=True,
    ),
    "terms.term": Words(Text("词", "Term")),
    "terms.pattern": Words(Text("正则", "Pattern")),
    "terms.id": Words(Text("标识", "Id")),
    "terms.except": Words(Text("例外", "Exceptions"), add=Text("添加", "Add")),
    "match": Words(
        Text("识别变体", "Evasions undone"),
        Text(
            "比对前先还原的写法。未设置时还原除拼音以外的全部变体。",
            "Undone before matching. Not set: all of them but pinyin.",
        ),
    ),
    "tests": Words(Text("测试", "Tests"), Text("有一条不符就不能发布。", "Publishing is refused while one fails.")),
    "tests.hit": Words(Text("应命中", "Must be found"), add=Text("添加", "Add")),
    "tests.pass": Words(Text("不应命中", "Must not be found"), add=Text("添加", "Add")),
}
CALENDAR = {
    "days": Words(
        Text("特殊日期", "Days that differ"),
        Text("日期写成 2027-10-01；其余日子按每周时段。", "Write 2027-10-01. Other days are as the week says."),
        add=Text("添加日期", "Add a day"),
        new={"date": "", "kind": "holiday"},
        dense=True,
    ),
    "days.date": Words(Text("日期", "Date")),
    "days.kind": Words(Text("类型", "Kind")),
    "days.like": Words(Text("按星期几上班", "Works like a")),
    "days.name": Words(Text("名称", "Name")),
    "days.provisional": Words(Text("尚未公布", "Not announced yet")),
}

METADATA = {
    "metadata": Words(Text("文档", "Document")),
    "metadata.name": Words(
        Text("标识", "Name"),
        Text(
            "小写字母、数字和连字符，保存后不能再改。",
            "Lower-case letters, digits and hyphens; it stays as it is once saved.",
        ),
    ),
    "metadata.title": Words(Text("名称", "Title"), Text("供人阅读，例如“贷款销售岗”。", "For people to read.")),
}

FIELDS: dict[str, Words] = {
    **METADATA,
    **FAMILIES,
    **NUMBERS,
    **PROTECTION,
    **KEYWORDS,
    **WORK_HOURS,
    **CONTACT_LIMITS,
    **PAYMENTS,
    **APPS,
    **DEVICE,
    **ARCHIVE,
    **LOCATION,
    **COMPLIANCE,
    **KEYWORD_SET,
    **CALENDAR,
}

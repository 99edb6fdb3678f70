"""Words for the codes that enrollment, people, documents, audit and quarantine pages show."""

from __future__ import annotations

from collections.abc import Mapping

from console import language
from console.device_view import BAD, IDLE, OK, WAIT, WARN, Label
from core.text import Text
from identity.roles import TITLES

TOKEN_STATES = {
    "active": Label(Text("可用", "Active"), OK),
    "used_up": Label(Text("已用完", "Used up"), IDLE),
    "expired": Label(Text("已过期", "Expired"), IDLE),
    "revoked": Label(Text("已吊销", "Revoked"), BAD),
}
CHANNEL_STATES = {
    "off": Label(Text("已停用", "Off"), IDLE),
    "new": Label(Text("未发送过", "Never used"), IDLE),
    "working": Label(Text("正常", "Works"), OK),
    "failing": Label(Text("发送失败", "Fails"), BAD),
}
DELIVERY_ERRORS = {
    "bad_url": Text("地址无效", "not a valid address"),
    "config_refused": Text("当前设置不允许访问此地址", "the settings do not allow this address any more"),
    "no_such_host": Text("找不到主机名", "no such host"),
    "target_refused": Text("地址在内网，未获允许", "inside the network, which is not allowed"),
    "no_connection": Text("无法连接", "no connection"),
    "timeout": Text("超时", "took too long"),
    "tls": Text("证书或 TLS 错误", "certificate or TLS"),
    "broken_answer": Text("应答中断", "a broken answer"),
    "answer_unreadable": Text("应答无法识别", "an answer that says nothing"),
    "mail_not_set_up": Text("服务器未设置邮件", "the server is not set up to send mail"),
    "smtp_no_starttls": Text("邮件服务器不支持 STARTTLS", "the mail server offers no STARTTLS"),
    "errcode_93000": Text("企业微信：机器人地址无效或已移除", "WeCom: the bot's address is wrong, or it was removed"),
    "errcode_45009": Text("企业微信：发送过于频繁", "WeCom: too many messages"),
    "errcode_310000": Text(
        "钉钉：未通过安全设置（关键词、加签或 IP）", "DingTalk: its security settings refuse it (keyword, sign or IP)"
    ),
    "code_9499": Text("飞书：消息格式不符", "Feishu: the message is not of its form"),
    "code_11232": Text("飞书：发送过于频繁", "Feishu: too many messages"),
    "code_19021": Text("飞书：签名不符或服务器时间不准", "Feishu: the sign is wrong, or this server's clock is"),
    "code_19022": Text("飞书：服务器 IP 不在白名单", "Feishu: this server's IP is not on its list"),
    "code_19024": Text("飞书：缺少机器人的关键词", "Feishu: the bot's keyword is missing"),
}
DELIVERY_STATES = {
    "waiting": Label(Text("待送达", "Waiting"), WAIT),
    "delivered": Label(Text("已送达", "Delivered"), OK),
    "dead": Label(Text("未送达", "Not delivered"), BAD),
    "dropped": Label(Text("已取消", "Dropped"), IDLE),
}
PERSON_STATES = {
    "active": Label(Text("在职", "Active"), OK),
    "inactive": Label(Text("已停用", "Deactivated"), IDLE),
}
KINDS = {
    "Policy": Text("策略", "Policy"),
    "KeywordSet": Text("敏感词库", "Keyword set"),
    "Calendar": Text("日历", "Calendar"),
    "Group": Text("分组", "Group"),
    "Assignment": Text("策略分配", "Assignment"),
}
ACTIONS = {
    "create": Label(Text("新建", "New"), OK),
    "change": Label(Text("修改", "Changed"), WAIT),
    "delete": Label(Text("删除", "Deleted"), BAD),
    "none": Label(Text("无变化", "Unchanged"), IDLE),
    "publish": Label(Text("发布", "Publish"), WAIT),
    "start": Label(Text("开始发布", "Start"), WAIT),
    "rollback": Label(Text("回退", "Roll back"), WAIT),
}
OUTCOMES = {
    "done": Label(Text("成功", "Done"), OK),
    "refused": Label(Text("被拒绝", "Refused"), BAD),
}
ACTOR_KINDS = {
    "staff": Text("人员", "Person"),
    "device": Text("设备", "Phone"),
    "system": Text("系统", "System"),
}
MANAGERS = {
    "files": Text("文件", "Files"),
    "console": Text("管理后台", "Console"),
    "api": Text("接口", "API"),
}
SESSIONS = {"console": Text("浏览器", "Browser"), "api": Text("接口", "API")}
EXPECTED_STATES = {
    "awaited": Label(Text("待到", "Awaited"), WAIT),
    "arrived": Label(Text("已到", "Arrived"), OK),
}
IMPORT_STATES = {
    "reading": Label(Text("读取中", "Reading"), WAIT),
    "preview": Label(Text("待确认", "To confirm"), WARN),
    "applying": Label(Text("导入中", "Importing"), WAIT),
    "done": Label(Text("完成", "Done"), OK),
    "failed": Label(Text("失败", "Failed"), BAD),
    "cancelled": Label(Text("已取消", "Cancelled"), IDLE),
}
LINE_OUTCOMES = {
    "create": Label(Text("新增", "New"), OK),
    "change": Label(Text("修改", "Changed"), WAIT),
    "unchanged": Label(Text("无变化", "Unchanged"), IDLE),
    "error": Label(Text("错误", "Error"), BAD),
}
LANGUAGES = {"zh-CN": Text("中文", "Chinese"), "en": Text("英文", "English")}
NEVER = Label(Text("未发布", "Not published"), WARN)
DRAFT = Label(Text("有未发布的修改", "Draft differs"), WAIT)
IN_FORCE = Label(Text("生效中", "In force"), OK)


def roles() -> list[tuple[str, str]]:
    """Every role and its name, for menus."""
    return [(str(role), language.say(title)) for role, title in TITLES.items()]


def role(code: str) -> str:
    """What a role is called."""
    return next((language.say(title) for known, title in TITLES.items() if str(known) == code), code)


def options(texts: Mapping[str, Text | Label]) -> list[tuple[str, str]]:
    """Codes and their words, for menus."""
    return [(code, language.say(text.text if isinstance(text, Label) else text)) for code, text in texts.items()]


def label(labels: Mapping[str, Label], code: str) -> Label:
    """A code's word in its colour; a code that is not known is shown as it is."""
    return labels.get(code) or Label(Text(code, code), IDLE)


def delivery_error(code: str | None) -> Text:
    """Why something was not delivered; other numbers of servers (`http_503`) stay themselves."""
    return DELIVERY_ERRORS.get(code or "") or Text(code or "–", code or "–")

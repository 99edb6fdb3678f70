"""The settings as a page shows them: in groups, with their value, its source, and what each is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from config.settings import PREFIX, Settings
from console.language import t
from core.text import Text

SOURCES = {
    "environment": Text("环境变量", "Environment"),
    "file": Text("配置文件", "File"),
    "default": Text("默认值", "Default"),
}
GROUPS = {
    ("http", "web", "public"): Text("网页与接口", "Web"),
    ("mqtt", "mosquitto", "broker"): Text("消息代理", "Broker"),
    ("approver", "approval", "wipe", "bulk", "unstaged", "unconfirmed", "session", "access", "sign"): Text(
        "安全与审批", "Security and approvals"
    ),
    ("device", "hello", "heartbeat", "agent", "attestation", "silent", "policy", "ladder", "timeline"): Text(
        "设备", "Phones"
    ),
    ("import",): Text("导入", "Imports"),
    ("smtp", "outbound"): Text("通知", "Notifications"),
}
OTHERS = Text("基础", "Basics")
CHINESE = {
    "data_dir": "数据库、密钥、消息代理文件和媒体所在的目录。",
    "log_level": "记录日志的最低级别。",
    "log_format": "text 供人阅读，json 供日志系统采集。",
    "timezone": "组织所在时区，页面按它显示时间。",
    "http_host": "网页服务监听的地址。",
    "http_port": "网页服务监听的端口。",
    "http_tls_cert": "网页服务的 PEM 证书链。",
    "http_tls_key": "网页服务的 PEM 私钥。",
    "http_proxy": "前面有反向代理终结 TLS 并设置 X-Forwarded-*。",
    "web_workers": "网页服务进程数。",
    "web_threads": "每个网页进程的线程数；一个实时页面占用一个。",
    "public_url": "人和手机使用的地址；默认由上面的协议、地址和端口组成。",
    "mqtt_host": "内置消息代理为手机监听的地址。",
    "mqtt_port": "内置消息代理为手机监听的端口。",
    "mqtt_public_host": "告诉手机的代理主机名，写入代理证书。",
    "mqtt_public_port": "告诉手机的代理端口。",
    "mosquitto_path": "mosquitto 程序路径；默认在 PATH 或 /usr/sbin 中查找。",
    "broker_url": "外部消息代理，供服务器自己的客户端使用。",
    "broker_ca_file": "签发外部代理服务端口证书的 CA。",
    "broker_crl_path": "外部代理：吊销列表写到哪个文件。",
    "broker_reload_command": "外部代理：列表变化后执行的命令，不经过 shell。",
    "database_url": "数据库地址；默认使用数据目录中的 SQLite。",
    "key_ring": "安装密钥所在目录；默认是数据目录中的 keys。",
    "admin_password": "用此密码创建首个管理员 admin，代替一次性设置链接。",
    "approver_min_age": "审批人的账号与角色须存在多少秒以上。",
    "approval_to_loosen": "放宽生效策略的变更是否须由第二人批准。",
    "approval_lifetime": "无人答复的审批多少秒后失效。",
    "wipe_cap_per_person": "一个人每小时最多可擦除或吊销的设备数。",
    "wipe_cap_total": "所有人每小时合计最多可擦除或吊销的设备数。",
    "bulk_lock_threshold": "一次锁定超过多少台视为破坏性操作。",
    "unstaged_limit": "分配、分组或组织变化不经发布最多可影响的设备数。",
    "unconfirmed_after": "擦除后多少秒没有最后回报，视为“未确认”。",
    "session_lifetime": "管理后台会话的有效秒数。",
    "access_token_lifetime": "接口访问令牌的有效秒数。",
    "sign_in_limit": "每个地址允许的登录尝试，写作“N per minute”。",
    "device_message_rate": "一台手机每秒可持续发送的消息数。",
    "device_byte_rate": "一台手机每秒可持续发送的字节数。",
    "device_certificate_days": "设备证书的有效天数。",
    "hello_interval": "同一次开机两次 hello 应答之间的秒数。",
    "heartbeat_history_minutes": "保留一次心跳历史的间隔分钟数。",
    "timeline_days": "设备时间线保留天数；审计日志永久保留。",
    "outbound_networks": "允许 Webhook 与群机器人访问的内网网段，可用明文：10.1.0.0/16,127.0.0.1/32。",
    "smtp_host": "发送通知邮件的服务器；不设置则不发邮件。",
    "smtp_port": "邮件服务器端口。",
    "smtp_security": "starttls、tls（一开始即加密）或 none（无密码，仅用于本机中继）。",
    "smtp_username": "邮件服务器用户名。",
    "smtp_password": "邮件服务器密码。",
    "smtp_from": "发件人地址；设置邮件服务器时必填。",
    "smtp_ca_file": "签发邮件服务器证书的 CA（PEM）。",
    "agent_apk_url": "代理程序 APK 的 https 地址；与下面两项一起写入二维码。",
    "agent_signature_checksum": "APK 签名证书的 SHA-256，base64url，不带填充。",
    "agent_admin_component": "代理程序的设备管理接收器，写作 package/class。",
    "attestation": "required：手机不能证明签名密钥位于硬件中时，拒绝注册。",
    "attestation_roots": "密钥证明可信根证书的 PEM 文件；留空则不验证。",
    "attestation_revoked": "已吊销证书序列号的 JSON 文件（Android 证明状态列表）；变化后自动重新读取。",
    "agent_keep_system_apps": "二维码让手机保留预装应用，包括拨号。",
    "import_max_bytes": "一次导入的文件最大字节数。",
    "import_max_rows": "一次导入的最多行数。",
    "silent_after": "多少秒没有心跳（且至少漏三次）显示为失联。",
    "hello_overdue_after": "多少秒没有手机签名的 hello 视为合规发现。",
    "policy_overdue_after": "手机应在多少秒内执行策略，超过视为合规发现。",
    "ladder_locks_per_hour": "违规处置每小时最多锁定的手机数，其余等下一小时。",
    "metrics_token": "/metrics 的访问令牌；不设置则只允许本机访问。",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A setting to read: `value` is None where there is none, and never a secret."""

    variable: str
    value: str | None
    source: Text
    changed: bool
    about: str


def groups(settings: Settings) -> list[tuple[Text, list[Shown]]]:
    """All settings in groups, in the order in which they are documented."""
    found: dict[Text, list[Shown]] = {OTHERS: [], **{title: [] for title in GROUPS.values()}}
    for name, field in Settings.model_fields.items():
        source = settings.source_of(name)
        english = (field.description or "").replace("`", "")
        about = t(CHINESE.get(name, english), english)
        shown = Shown(
            PREFIX + name.upper(), _value(getattr(settings, name)), SOURCES[source], source != "default", about
        )
        found[_group(name)].append(shown)
    return [(title, shown) for title, shown in found.items() if shown]


def _group(name: str) -> Text:
    first = name.partition("_")[0]
    return next((title for prefixes, title in GROUPS.items() if first in prefixes), OTHERS)


def _value(value: Any) -> str | None:
    if isinstance(value, SecretStr):
        return t("已设置（不显示）", "set, not shown")
    if isinstance(value, bool):
        return t("是", "yes") if value else t("否", "no")
    return None if value is None else str(value)

"""What the values of members are called in the form, by code; a member's own words win over the common ones."""

from __future__ import annotations

from typing import Any

from compliance.registry import all_checks
from console import labels
from console.keyword_box import THROUGH
from core.text import Text

COMMON: dict[str, Text] = {
    "true": labels.YES,
    "false": labels.NO,
    # actions, the weakest first
    "allow": Text("允许", "Allow"),
    "alert": Text("告警", "Alert"),
    "warn": Text("提醒使用人", "Warn the holder"),
    "lost_contact_only": Text("仅失联时允许", "Only when contact is lost"),
    "delay": Text("延后到允许的时间", "Delay until it is allowed"),
    "approval": Text("需审批", "Needs approval"),
    "lock": Text("锁定", "Lock"),
    "block": Text("阻止", "Block"),
    "off": Text("关闭", "Off"),
    "notify_holder": Text("通知使用人", "Tell the holder"),
    # channels and media
    "phone": Text("手机号", "Phone number"),
    "wechat": Text("微信", "WeChat"),
    "qq": Text("QQ", "QQ"),
    "call": Text("通话", "Calls"),
    "sms": Text("短信", "Text messages"),
    "wecom": Text("企业微信", "WeCom"),
    "voice": Text("语音", "Voice"),
    "image": Text("图片", "Images"),
    "video": Text("视频", "Videos"),
    "file": Text("文件", "Files"),
    # what the phone refuses
    "delete_message": Text("删除消息", "Delete a message"),
    "clear_conversation": Text("清空会话", "Clear a conversation"),
    "recall_hide": Text("撤回以隐藏", "Recall to hide"),
    "delete_contact": Text("删除联系人", "Delete a contact"),
    "block_contact": Text("拉黑联系人", "Block a contact"),
    "delete_call_log": Text("删除通话记录", "Delete the call log"),
    "export_contacts": Text("导出通讯录", "Export contacts"),
    "share_contact_card": Text("分享名片", "Share a contact card"),
    "screenshot": Text("截屏", "Screenshots"),
    # counting
    "customer": Text("客户", "Customer"),
    "case": Text("案件", "Case"),
    "contact_point": Text("号码或账号", "Number or account"),
    "channel": Text("渠道", "Channel"),
    "relation": Text("关系", "Relation"),
    "employee": Text("员工", "Employee"),
    "team": Text("团队", "Team"),
    "attempt": Text("每次尝试", "Every attempt"),
    "unanswered_dial": Text("未接通的拨打", "Unanswered dials"),
    "connected": Text("接通的电话", "Connected calls"),
    "effective_talk": Text("有效通话", "Talks"),
    "message": Text("消息", "Messages"),
    "guarantor": Text("担保人", "Guarantor"),
    "emergency": Text("紧急联系人", "Emergency contact"),
    "third_party": Text("第三人", "Third party"),
    "day": Text("每个自然日", "A calendar day"),
    "s": Text("秒", "seconds"),
    "m": Text("分钟", "minutes"),
    "h": Text("小时", "hours"),
    "d": Text("天", "days"),
    # systems and restrictions, named as Android names them
    "android": Text("Android", "Android"),
    "harmonyos": Text("鸿蒙", "HarmonyOS"),
    "no_factory_reset": Text("恢复出厂设置", "Factory reset"),
    "no_safe_boot": Text("安全模式启动", "Safe boot"),
    "no_debugging_features": Text("调试功能", "Debugging"),
    "no_usb_file_transfer": Text("USB 传文件", "Files over USB"),
    "no_add_user": Text("添加用户", "Adding users"),
    "no_remove_user": Text("删除用户", "Removing users"),
    "no_config_date_time": Text("修改日期时间", "Setting date and time"),
    "no_config_vpn": Text("设置 VPN", "Setting up a VPN"),
    "no_config_tethering": Text("共享热点", "Tethering"),
    "no_config_credentials": Text("设置证书凭据", "Setting credentials"),
    "no_install_apps": Text("安装应用", "Installing apps"),
    "no_install_unknown_sources": Text("安装未知来源应用", "Apps from unknown sources"),
    "no_uninstall_apps": Text("卸载应用", "Uninstalling apps"),
    "no_modify_accounts": Text("修改账号", "Changing accounts"),
    "no_outgoing_beam": Text("NFC 传送", "Beaming over NFC"),
    "no_bluetooth_sharing": Text("蓝牙分享", "Sharing over Bluetooth"),
    "no_physical_media": Text("存储卡与外接存储", "Memory cards and drives"),
    "no_network_reset": Text("重置网络", "Network reset"),
    # days
    "mon": Text("周一", "Mon"),
    "tue": Text("周二", "Tue"),
    "wed": Text("周三", "Wed"),
    "thu": Text("周四", "Thu"),
    "fri": Text("周五", "Fri"),
    "sat": Text("周六", "Sat"),
    "sun": Text("周日", "Sun"),
    "holiday": Text("休息", "Holiday"),
    "workday": Text("上班", "Workday"),
    # the rest
    "in": Text("收到的", "Received"),
    "out": Text("发出的", "Sent"),
    "both": Text("双向", "Both"),
    "enforced": Text("正式执行", "Enforced"),
    "shadow": Text("试运行", "Trial"),
    "any": Text("任何问题", "Any finding"),
    "show": Text("显示", "Shown"),
    "hide": Text("按掩码显示", "Masked"),
    "book": Text("加密通讯录（断网可用）", "Sealed book (works offline)"),
    "ticket": Text("每次拨打取一个号", "One number for each dial"),
    "never": Text("从不", "Never"),
    "hours": Text("工作时间内", "During working hours"),
    "optional": Text("可选", "Optional"),
    "required": Text("必须", "Required"),
    "deny": Text("黑名单（禁止下列）", "Deny these"),
    "encryption": Text("存储加密", "Encryption"),
    "passcode": Text("锁屏密码", "Passcode"),
    "agent_admin": Text("代理管理权限", "Agent is administrator"),
    "permissions": Text("代理所需权限", "Permissions of the agent"),
    "root": Text("root", "Root"),
    "developer_mode": Text("开发者模式", "Developer mode"),
    # findings that no check of ours makes
    "clock": Text("手机时间不准", "The phone's clock is off"),
    "policy_stale": Text("策略长期未更新", "An old policy is in force"),
    "integrity": Text("完整性异常", "Integrity"),
    "certificate": Text("证书问题", "Certificate"),
    "holder": Text("使用人未确认", "Holder not confirmed"),
    "notice": Text("告知书未同意", "Notice not accepted"),
    "cloned": Text("疑似克隆", "Looks cloned"),
}
OWN: dict[str, dict[str, Text]] = {
    "apps.mode": {"allow": Text("白名单（只允许下列）", "Allow these alone")},
    "work_hours.outside.apps": {"allow": Text("可用", "Usable")},
}


def word(path: str, value: Any) -> Text:
    """What a value of the member at a path is called; one without a word stands for itself."""
    code = code_of(value)
    found = OWN.get(path, {}).get(code) or _borrowed(path).get(code)
    return found or common(code)


def common(code: str) -> Text:
    """What a code is called wherever it stands; one without a word stands for itself."""
    return COMMON.get(code) or labels.plain(code)


def code_of(value: Any) -> str:
    """A value as a form sends it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _borrowed(path: str) -> dict[str, Text]:
    """Words that other pages say too."""
    if path == "compliance.when":
        return {check.code: check.title for check in all_checks()}
    if path == "keywords.severity":
        return labels.SEVERITIES
    return THROUGH if path == "match" else {}

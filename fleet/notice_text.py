"""The notice that holds until an organisation writes its own: nothing is ever collected without one."""

from __future__ import annotations

DEFAULT_VERSION = "default-1"
DEFAULT_TEXTS = {
    "zh-CN": (
        "本机是公司配发的工作手机，由您所在的公司管理。\n"
        "处理者：您所在的公司。目的：保护客户信息、留存业务沟通证据、保障设备安全。\n"
        "收集的内容：设备信息与安全状态、工作通话与工作消息（短信、微信、QQ）及其附件、违规事件；"
        "仅在策略开启且处于工作时间内收集位置。不收集工作范围以外的私人内容。\n"
        "保存期限：按法律法规和公司制度规定的最长适用期限，到期删除。\n"
        "您的权利：查阅、复制、更正、删除您的个人信息，要求说明处理规则；请联系公司的个人信息保护负责人。\n"
        "点击“同意”表示您已阅读并同意上述内容；内容变更时会再次征求您的同意。"
    ),
    "en": (
        "This is a work phone issued and managed by your company.\n"
        "Who: your company. Purpose: protecting customers' data, keeping evidence of business communication, "
        "keeping the phone secure.\n"
        "What is collected: facts and safety state of the phone, work calls and work messages (SMS, WeChat, QQ) with "
        "their attachments, breaches of rules; the position only where a policy says so and within work hours. "
        "Nothing private outside of work is collected.\n"
        "How long: the longest period that law and company rules require; deleted after that.\n"
        "Your rights: to see, copy, correct and delete your personal data and to have its handling explained; turn to "
        "your company's data protection officer.\n"
        "By accepting you say that you have read this and agree; when it changes you are asked again."
    ),
}

"""Words for messages that were refused: what kind they are, and why."""

from __future__ import annotations

from core.text import Text

KINDS = {
    "hello": Text("上线问候", "Hello"),
    "presence": Text("在线状态", "Presence"),
    "heartbeat": Text("心跳", "Heartbeat"),
    "reported": Text("策略回报", "Policy report"),
    "result": Text("命令结果", "Command result"),
    "records": Text("通信记录", "Records"),
    "event": Text("事件", "Event"),
}
REASONS = {
    "too_large": Text("消息过大", "Too large"),
    "empty": Text("空消息", "Empty"),
    "not_utf8": Text("不是 UTF-8", "Not UTF-8"),
    "not_json": Text("不是 JSON", "Not JSON"),
    "not_object": Text("不是 JSON 对象", "Not a JSON object"),
    "duplicate_member": Text("成员重复", "A member stands twice"),
    "too_deep": Text("嵌套过深", "Nested too deep"),
    "nul": Text("含空字符", "Holds NUL"),
    "lone_surrogate": Text("含不成对的代理字符", "Holds a lone surrogate"),
    "number": Text("数字超出范围", "A number out of range"),
    "form": Text("格式不符", "Not of the expected form"),
    "alg": Text("签名算法不被接受", "Signed by an algorithm that is not taken"),
    "crit": Text("要求未知的扩展", "Demands an extension that is not known"),
    "typ": Text("签名用途不符", "Signed for something else"),
    "kid": Text("不是该设备的密钥", "Not this phone's key"),
    "signature": Text("签名无效", "Its signature does not verify"),
    "sub": Text("签名者是另一台设备", "Signed as another phone"),
    "iat": Text("签名时间有误", "Signed at an impossible time"),
    "exp": Text("已过期", "Expired"),
    "jwe": Text("无法解密", "Cannot be decrypted"),
    "head": Text("末尾校验值不符", "Its end does not follow from its records"),
    "chain": Text("与已存记录不相接", "Does not follow on what is stored"),
    "contradiction": Text("与已存记录矛盾", "Contradicts what is stored"),
    "unknown_device": Text("设备未知或已停用", "Unknown or closed phone"),
    "device_closed": Text("设备已停用", "The phone is closed"),
    "unknown_command": Text("命令未知", "Unknown command"),
    "no_handler": Text("没有处理程序", "Nobody handles this kind"),
    "crash": Text("处理时出错", "Its handling failed"),
}


def kind(code: str) -> Text:
    """What a kind of message is called; one that is not known is shown as it is."""
    return KINDS.get(code) or Text(code, code)


def reason(code: str) -> Text:
    """Why a message was refused; a code that has no words is shown as it is."""
    return REASONS.get(code) or Text(code, code)

"""Words for the actions of the audit log and for the reasons of the quarantine; an unknown code stays itself."""

from __future__ import annotations

from core.text import Text

ACTIONS = {
    "sign_in": Text("登录", "Signed in"),
    "session.end": Text("退出登录", "Signed out"),
    "session.revoke": Text("结束会话", "Ended a session"),
    "session.revoke_all": Text("结束所有会话", "Ended all sessions"),
    "person.create": Text("添加人员", "Added a person"),
    "person.change": Text("修改人员", "Changed a person"),
    "person.password": Text("修改密码", "Changed the password"),
    "totp.enrol": Text("开始启用两步验证", "Began a second factor"),
    "totp.confirm": Text("启用两步验证", "Second factor in force"),
    "totp.remove": Text("停用两步验证", "Removed the second factor"),
    "totp.reset": Text("移除他人两步验证", "Removed somebody's second factor"),
    "org_unit.create": Text("新建组织", "Made a unit"),
    "org_unit.change": Text("改名或移动组织", "Renamed or moved a unit"),
    "org_unit.delete": Text("删除组织", "Removed a unit"),
    "expected_phone.create": Text("登记待到设备", "Announced a phone"),
    "expected_phone.change": Text("修改待到设备", "Changed an announced phone"),
    "expected_phone.delete": Text("删除待到设备", "Forgot an announced phone"),
    "import.create": Text("上传导入文件", "Uploaded a file to import"),
    "import.confirm": Text("确认导入", "Confirmed an import"),
    "import.cancel": Text("取消导入", "Gave up an import"),
    "import.fail": Text("导入失败", "Import failed"),
    "import.finish": Text("导入完成", "Import finished"),
    "enrollment_token.create": Text("新建注册令牌", "Made a token"),
    "enrollment_token.show": Text("查看注册二维码", "Saw a token's QR code"),
    "enrollment_token.revoke": Text("吊销注册令牌", "Revoked a token"),
    "device.enroll": Text("设备注册", "Phone enrolled"),
    "device.confirm": Text("确认使用人", "Confirmed a holder"),
    "device.state": Text("修改设备状态", "Changed a phone's state"),
    "device.revoke": Text("吊销设备", "Cut a phone off"),
    "device.revoke_many": Text("批量吊销设备", "Cut many phones off"),
    "device.active": Text("设备恢复使用", "Phone back in use"),
    "device.lost": Text("设备标记为丢失", "Reported a phone lost"),
    "device.retired": Text("设备停用", "Phone retired"),
    "device.wiped": Text("设备已擦除", "Phone wiped"),
    "certificate.renew": Text("更新设备证书", "Renewed a certificate"),
    "document.apply": Text("保存策略文档", "Stored a document"),
    "document.publish": Text("发布策略文档", "Published a document"),
    "group.change": Text("分组成员变化", "Members of a group"),
    "group.delete": Text("删除分组", "Deleted a group"),
    "command.request": Text("下发命令", "Asked for a command"),
    "command.cancel": Text("取消命令", "Cancelled a command"),
    "command.dropped": Text("部分设备退出操作", "Phones dropped out of a command"),
    "command.read_output": Text("查看命令输出", "Read a command's output"),
    "command.restore_expire": Text("恢复后作废命令", "Expired a command after a restore"),
    "approval.request": Text("申请审批", "Asked for an approval"),
    "approval.approved": Text("批准", "Approved"),
    "approval.denied": Text("驳回", "Denied"),
    "approval.use": Text("使用审批", "Used an approval"),
    "approval.withdraw": Text("撤回审批", "Withdrew an approval"),
    "freeze.on": Text("紧急冻结", "Froze commands"),
    "freeze.lift": Text("解除冻结", "Lifted the freeze"),
    "channel.create": Text("新建通知通道", "Set a channel up"),
    "channel.change": Text("修改通知通道", "Changed a channel"),
    "channel.delete": Text("删除通知通道", "Removed a channel"),
    "channel.test": Text("测试通知通道", "Tested a channel"),
    "notification_preference.change": Text("修改通知偏好", "Changed how one is told"),
    "notice.publish": Text("发布告知书", "Published a notice"),
    "notice.accept": Text("同意告知书", "Accepted the notice"),
    "records.read": Text("查看通信记录", "Read records"),
    "integrity.acknowledge": Text("确认完整性异常", "Acknowledged a gap"),
    "quarantine.replayed": Text("重放隔离消息", "Replayed a message"),
    "quarantine.shown": Text("查看隔离内容", "Saw a quarantined message"),
    "audit.export": Text("导出审计日志", "Exported the audit log"),
    "request.refused": Text("请求被拒绝", "Request refused"),
    "keys.signing_rolled": Text("更换签名密钥", "Rolled the signing key"),
    "keys.encryption_rolled": Text("更换加密密钥", "Rolled the encryption key"),
    "installation.first_admin": Text("创建首个管理员", "First administrator"),
    "installation.restored": Text("数据库已恢复", "Database restored"),
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
    "unknown_device": Text("设备未知或已停用", "Unknown or closed phone"),
    "unknown_command": Text("命令未知", "Unknown command"),
    "no_handler": Text("没有处理程序", "Nobody handles this kind"),
    "crash": Text("处理时出错", "Its handling failed"),
}


def action(code: str) -> Text:
    """What an action is called."""
    return ACTIONS.get(code) or Text(code, code)


def reason(code: str) -> Text:
    """Why a message was refused."""
    return REASONS.get(code) or Text(code, code)

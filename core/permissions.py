"""Every permission of every room, in one enum: a route or service names one of these."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    """What an actor may do; roles are sets of these (identity.roles)."""

    STAFF_READ = "staff.read"
    STAFF_WRITE = "staff.write"
    ORG_READ = "org.read"
    ORG_WRITE = "org.write"
    AUDIT_READ = "audit.read"
    DEVICE_READ = "device.read"
    DEVICE_WRITE = "device.write"
    DEVICE_REVOKE = "device.revoke"
    ENROLLMENT_READ = "enrollment.read"
    ENROLLMENT_WRITE = "enrollment.write"
    NOTICE_READ = "notice.read"
    NOTICE_WRITE = "notice.write"
    GROUP_READ = "group.read"
    COMMAND_READ = "command.read"
    COMMAND_SEND = "command.send"
    COMMAND_DESTROY = "command.destroy"
    COMMAND_APPROVE = "command.approve"
    COMMAND_APPROVE_RECORD_LOSS = "command.approve_record_loss"
    FREEZE_READ = "freeze.read"
    FREEZE_WRITE = "freeze.write"
    DOCUMENT_READ = "document.read"
    DOCUMENT_WRITE = "document.write"
    DOCUMENT_PUBLISH = "document.publish"
    QUARANTINE_READ = "quarantine.read"
    QUARANTINE_REPLAY = "quarantine.replay"
    ARCHIVE_READ = "archive.read"
    ARCHIVE_CONTEST = "archive.contest"
    COMPLIANCE_READ = "compliance.read"
    COMPLIANCE_HANDLE = "compliance.handle"
    COMPLIANCE_EXCEPT = "compliance.except"
    SYSTEM_READ = "system.read"
    NOTIFICATION_READ = "notification.read"
    NOTIFICATION_WRITE = "notification.write"

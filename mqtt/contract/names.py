"""Names of the protocol: `typ` values, message kinds, command types, event types, rule families."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Typ(StrEnum):
    """`typ` header of every JWS and JWT of the protocol; a reader accepts exactly the one it expects (§2)."""

    DEVICE_JWT = "shouji-device+jwt"
    JWKS = "shouji-jwks+jws"
    STATUS = "shouji-status+jws"
    HELLO = "shouji-hello+jws"
    REPORTED = "shouji-reported+jws"
    RESULT = "shouji-result+jws"
    EVENT = "shouji-event+jws"
    DESIRED = "shouji-desired+jws"
    COMMAND = "shouji-command+jws"
    ARCHIVED = "shouji-archived+jws"
    CONTACTS = "shouji-contacts+jws"
    CONTACTS_POINTER = "shouji-contacts-pointer+jws"
    NOTICE = "shouji-notice+jws"


DEVICE_AUDIENCE: Final = "shouji-device"
"""`aud` of a device JWT (§3)."""
JOSE_MEDIA_TYPE: Final = "application/jose"
"""Content type of every compact JOSE answer over HTTP (§3)."""
RECORDS_CONTEXT: Final = b"shouji-records-v1"
"""First bytes of what a batch signature covers (§9)."""


class Up(StrEnum):
    """What a device publishes (§4)."""

    HELLO = "hello"
    PRESENCE = "presence"
    HEARTBEAT = "heartbeat"
    REPORTED = "reported"
    RESULT = "result"
    RECORDS = "records"
    EVENT = "event"


class Down(StrEnum):
    """What the server publishes to one device (§4)."""

    DESIRED = "desired"
    COMMAND = "command"
    ARCHIVED = "archived"
    CONTACTS = "contacts"


RETAINED_DOWN: Final = frozenset({Down.DESIRED, Down.CONTACTS})


class CommandType(StrEnum):
    """Every command of §8."""

    PING = "ping"
    LOCK = "lock"
    UNLOCK = "unlock"
    WIPE = "wipe"
    LOCATE = "locate"
    MESSAGE = "message"
    RING = "ring"
    REBOOT = "reboot"
    SYNC = "sync"
    RESET_PASSCODE = "reset_passcode"
    COLLECT_LOGS = "collect_logs"
    ROTATE_CERTIFICATE = "rotate_certificate"


RERUN_AFTER_START: Final = frozenset({CommandType.LOCK, CommandType.UNLOCK, CommandType.WIPE})
"""Commands that a device carries out again when a start finds them unfinished (§8)."""


class ResultStatus(StrEnum):
    """`status` of a result (§8)."""

    RECEIVED = "received"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REJECTED = "rejected"


class EventType(StrEnum):
    """Every event of §10."""

    KEYWORD = "keyword"
    DELETE_BLOCKED = "delete_blocked"
    CONTACT_BLOCK_BLOCKED = "contact_block_blocked"
    RED_PACKET = "red_packet"
    TRANSFER = "transfer"
    PRIVATE_CONTACT_SHARED = "private_contact_shared"
    OFF_HOURS = "off_hours"
    FREQUENCY = "frequency"
    THIRD_PARTY = "third_party"
    NUMBER_REVEAL_BLOCKED = "number_reveal_blocked"
    EXPORT_BLOCKED = "export_blocked"
    APP_BLOCKED = "app_blocked"
    SIM_CHANGED = "sim_changed"
    PERMISSION_REVOKED = "permission_revoked"
    ADMIN_REMOVED = "admin_removed"
    ROOT_DETECTED = "root_detected"
    CLOCK_CHANGED = "clock_changed"
    INTEGRITY = "integrity"


class Severity(StrEnum):
    """`severity` of an event (§10)."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Outcome(StrEnum):
    """`outcome` of a report (§7): `rejected` can never work, `failed` may be tried again."""

    APPLIED = "applied"
    REJECTED = "rejected"
    FAILED = "failed"


class RuleState(StrEnum):
    """What became of one rule family on a device (§7)."""

    ENFORCED = "enforced"
    UNSUPPORTED = "unsupported"
    FAILED = "failed"


class RuleFamily(StrEnum):
    """Families of `rules` in a bundle (§12)."""

    NUMBERS = "numbers"
    PROTECTION = "protection"
    KEYWORDS = "keywords"
    WORK_HOURS = "work_hours"
    CONTACT_LIMITS = "contact_limits"
    PAYMENTS = "payments"
    APPS = "apps"
    DEVICE = "device"
    ARCHIVE = "archive"
    LOCATION = "location"
    COMPLIANCE = "compliance"


class BlobKind(StrEnum):
    """Kinds of blob that a bundle names (§7, §12)."""

    KEYWORD_SET = "keyword_set"
    FOLD_TABLE = "fold_table"
    CALENDAR = "calendar"


class DeviceState(StrEnum):
    """`state` of `GET device/status` (§3)."""

    ACTIVE = "active"
    LOST = "lost"
    RETIRED = "retired"
    WIPED = "wiped"


class StatusAction(StrEnum):
    """`action` of `GET device/status` (§3)."""

    NONE = "none"
    RETRY = "retry"
    REAUTHENTICATE = "reauthenticate"
    UNENROLL = "unenroll"

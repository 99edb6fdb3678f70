"""Findings that a heartbeat's posture shows. A value that is missing is unknown: it neither opens nor closes one."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from fleet.findings import Observation
from mqtt.contract.heartbeat import Posture

WRONG_WHEN = (
    ("encrypted", False, "encryption"),
    ("passcode", False, "passcode"),
    ("agent_admin", False, "agent_admin"),
    ("rooted", True, "root"),
    ("developer_mode", True, "developer_mode"),
)
PERMISSIONS = "permissions"
SHOWN_PERMISSIONS = 20
SIGNALS_CHARS = 200


def observations(device_id: str, posture: Posture) -> Iterator[Observation]:
    """The posture as observations of findings."""
    for member, wrong, code in WRONG_WHEN:
        value = getattr(posture, member)
        if value is not None:
            yield Observation(device_id, code, value is wrong)
    if posture.permissions:
        denied = denied_permissions(posture)
        yield Observation(
            device_id, PERMISSIONS, bool(denied), {"denied": denied[:SHOWN_PERMISSIONS]} if denied else {}
        )


def denied_permissions(posture: Posture) -> list[str]:
    """Names of the permissions that were taken away, sorted."""
    return sorted(name for name, granted in posture.permissions.items() if not granted)


def signals(posture: Posture) -> str:
    """The findings-relevant part of the posture as one short comparable text: equal text, equal observations."""
    values = "".join(_letter(getattr(posture, member)) for member, _, _ in WRONG_WHEN)
    if not posture.permissions:
        return values
    denied = denied_permissions(posture)
    return values + ("+" + sha256("\0".join(denied).encode()).hexdigest()[:16] if denied else "-")


def _letter(value: bool | None) -> str:
    return "?" if value is None else "ny"[value]

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
_LETTER = {None: "?", False: "n", True: "y"}


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
    text = (
        _LETTER[posture.encrypted]
        + _LETTER[posture.passcode]
        + _LETTER[posture.agent_admin]
        + _LETTER[posture.rooted]
        + _LETTER[posture.developer_mode]
    )
    if not posture.permissions:
        return text
    if all(posture.permissions.values()):
        return text + "-"
    return text + "+" + sha256("\0".join(denied_permissions(posture)).encode()).hexdigest()[:16]

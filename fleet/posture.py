"""The part of a heartbeat's posture that findings are judged on."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from mqtt.contract.heartbeat import Posture

_LETTER = {None: "?", False: "n", True: "y"}


def denied(permissions: Mapping[str, bool]) -> list[str]:
    """Names of the permissions that were taken away, sorted."""
    return sorted(name for name, granted in permissions.items() if not granted)


def signals(posture: Posture) -> str:
    """What findings are judged on as one short comparable text: equal text, equal findings."""
    text = (
        _LETTER[posture.encrypted]
        + _LETTER[posture.passcode]
        + _LETTER[posture.agent_admin]
        + _LETTER[posture.rooted]
        + _LETTER[posture.developer_mode]
    )
    if posture.permissions:
        text += "-" if all(posture.permissions.values()) else "+" + _digest(denied(posture.permissions))
    if posture.security_patch:
        text += "p" + posture.security_patch
    if posture.sim:
        text += "s" + _digest(sorted(posture.sim))
    return text


def _digest(names: list[str]) -> str:
    return sha256("\0".join(names).encode()).hexdigest()[:16]

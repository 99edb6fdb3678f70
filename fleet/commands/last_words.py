"""Commands that owe a last word (a wipe): findings keep a person looking until it has come or somebody settled it."""

from __future__ import annotations

from collections.abc import Sequence

from fleet import findings
from fleet.commands.models import Command
from fleet.commands.states import State
from fleet.findings import Observation

UNDELIVERED, UNCONFIRMED, FAILED = "wipe_undelivered", "wipe_unconfirmed", "wipe_failed"
_SHOWN: dict[State, str | None] = {
    State.QUEUED: None,
    State.SENT: None,
    State.RECEIVED: None,
    State.UNCONFIRMED: UNCONFIRMED,
    State.SUCCEEDED: None,
    State.FAILED: FAILED,
    State.REJECTED: FAILED,
    State.EXPIRED: None,
    State.CANCELLED: None,
}


def observe(moved: Sequence[tuple[Command, State]]) -> None:
    """Open and close findings after commands moved."""
    seen: list[Observation] = []
    for command, state in moved:
        if command.grace_s is not None and state in _SHOWN:
            seen += _observations(command, _SHOWN[state])
    findings.observe(seen)


def observe_undelivered(commands: Sequence[Command]) -> None:
    """Commands that were due before they reached their phone: they stay queued, yet not silently."""
    seen: list[Observation] = []
    for command in commands:
        seen += _observations(command, UNDELIVERED)
    findings.observe(seen)


def _observations(command: Command, shown: str | None) -> list[Observation]:
    detail = {"command": command.id, "requested_by": command.requested_by_name}
    return [
        Observation(command.device_id, code, code == shown, detail if code == shown else {})
        for code in (UNDELIVERED, UNCONFIRMED, FAILED)
    ]

"""Commands that owe a last word (a wipe): findings keep a person looking until it has come or somebody settled it."""

from __future__ import annotations

from collections.abc import Sequence

from core.text import Text
from fleet import findings, queries
from fleet.commands.models import Command
from fleet.commands.states import State
from fleet.findings import Observation
from notify import notices
from notify.topics import Severity, register

UNDELIVERED, UNCONFIRMED, FAILED = "wipe_undelivered", "wipe_unconfirmed", "wipe_failed"
_SAYS = {
    UNDELIVERED: Text("擦除命令仍未送达设备。", "A wipe has not reached its phone yet."),
    UNCONFIRMED: Text("擦除命令到期仍无最终回报，请处理。", "A wipe's last word has not come. Look into it."),
    FAILED: Text("擦除未能执行。", "A wipe was not carried out."),
}
for _code, _title in {
    UNDELIVERED: Text("擦除命令仍未送达设备", "A wipe has not reached its phone"),
    UNCONFIRMED: Text("擦除命令到期仍无最终回报", "A wipe's last word has not come"),
    FAILED: Text("擦除未能执行", "A wipe was not carried out"),
}.items():
    register(_code, Severity.WARNING, _title)
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
    _show(seen, [command for command, _ in moved])


def observe_undelivered(commands: Sequence[Command]) -> None:
    """Commands that were due before they reached their phone: they stay queued, yet not silently."""
    seen: list[Observation] = []
    for command in commands:
        seen += _observations(command, UNDELIVERED)
    _show(seen, commands)


def _show(seen: Sequence[Observation], commands: Sequence[Command]) -> None:
    """Open and close the findings; whoever asked for the wipe is told once of what opened."""
    asked = {command.device_id: command for command in commands if command.grace_s is not None}
    opened = [change for change in findings.observe(seen) if change.open]
    units = {ref.id: ref.org_unit_id for ref in queries.refs([change.device_id for change in opened]).values()}
    for change in opened:
        command = asked[change.device_id]
        unit_id = units.get(command.device_id)
        notices.send([command.requested_by], change.code, _SAYS[change.code], ("command", command.id), unit_id)


def _observations(command: Command, shown: str | None) -> list[Observation]:
    detail = {"command": command.id, "requested_by": command.requested_by_name}
    return [
        Observation(command.device_id, code, code == shown, detail if code == shown else {})
        for code in (UNDELIVERED, UNCONFIRMED, FAILED)
    ]

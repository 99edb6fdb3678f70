"""`wipe`: erases work data or the whole phone. Waits for its phone for ever, and ends the phone's life in the fleet.

It reaches a retired phone too, through `GET device/status`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.actor import system_actor
from core.text import Text
from fleet import states
from fleet.commands.events import FinishedCommand
from fleet.commands.registry import LIVING, Kind, register
from mqtt.contract.names import CommandType

ACTOR = system_actor("commands")


def _close(done: Sequence[FinishedCommand]) -> None:
    for command in done:
        states.wiped(ACTOR, [command.device_id], f"wipe {command.id}")


def _grace(args: Mapping[str, Any]) -> int:
    return int(args["deadline_s"])


KIND = register(
    Kind(
        CommandType.WIPE,
        Text("擦除", "Wipe"),
        lifetime=None,
        destructive=True,
        approval=True,
        capped=True,
        states=LIVING | {states.RETIRED},
        grace=_grace,
        on_success=_close,
    )
)

"""What commands tell higher rooms; the signal carries a whole batch and is sent inside the sender's unit of work.

- `commands_finished(commands: list[FinishedCommand])`: commands that came to an end, or to another end than before.
"""

from __future__ import annotations

from dataclasses import dataclass

from blinker import Namespace

_signals = Namespace()

commands_finished = _signals.signal("commands-finished")


@dataclass(frozen=True, slots=True)
class FinishedCommand:
    """A command that ended; `state` is one of `succeeded`, `failed`, `rejected`, `expired`, `cancelled`, `denied`."""

    id: str
    device_id: str
    type: str
    state: str
    after_cancel: bool

"""lock, unlock."""

from __future__ import annotations

from agent.commands.effects import Deed, effect
from mqtt.contract.names import CommandType


@effect(CommandType.LOCK)
def lock(deed: Deed) -> None:
    """Locks the work side; emergency calls stay possible."""
    deed.services.handset.lock(deed.args.message, "command")
    deed.succeed()


@effect(CommandType.UNLOCK)
def unlock(deed: Deed) -> None:
    """Opens it again."""
    deed.services.handset.unlock()
    deed.succeed()

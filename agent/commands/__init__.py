"""Commands (§8): one desk that stores, judges and answers; the effects, by type, in the other files."""

from __future__ import annotations

from agent.commands import basic, certificate, lock, logs, wipe
from agent.commands.desk import CommandDesk
from agent.commands.effects import Services

__all__ = ["CommandDesk", "Services", "basic", "certificate", "lock", "logs", "wipe"]

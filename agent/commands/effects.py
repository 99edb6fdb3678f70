"""What an effect gets, and the table of effects by command type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from agent.archive import Archive
from agent.contacts import Book
from agent.core import Core
from agent.guard import Guard
from agent.handset import Handset
from agent.policy import PolicyDesk
from mqtt.contract.names import CommandType, ResultStatus


class Connected(Protocol):
    """What effects ask of the connection."""

    def sync(self) -> None:
        """Send hello, heartbeat and queue."""

    def reconnect(self, *, new_boot: bool) -> None:
        """Leave cleanly and come back."""

    def finish(self, then: Callable[[], object] | None = None) -> None:
        """Leave for good; `then` runs when gone."""


@dataclass
class Services:
    """The parts of the phone that effects work on."""

    core: Core
    handset: Handset
    policy: PolicyDesk
    archive: Archive
    book: Book
    guard: Guard
    connection: Connected
    renew: Callable[[Callable[[str | None], object]], object]


@dataclass
class Deed:
    """One command being carried out since `since` (server time, Unix seconds).

    `finish` is called exactly once, at once or later.
    """

    jti: str
    since: float
    args: Any
    services: Services
    finish: Callable[[ResultStatus, str | None, dict[str, Any] | None, Callable[[], object] | None], object]

    def succeed(
        self,
        output: dict[str, Any] | None = None,
        detail: str | None = None,
        then: Callable[[], object] | None = None,
    ) -> None:
        """The effect has come; `then` runs when the broker or the server has the result."""
        self.finish(ResultStatus.SUCCEEDED, detail, output, then)

    def fail(self, detail: str) -> None:
        """The effect has not come."""
        self.finish(ResultStatus.FAILED, detail, None, None)


Effect = Callable[[Deed], None]
EFFECTS: dict[CommandType, Effect] = {}


def effect(kind: CommandType) -> Callable[[Effect], Effect]:
    """Register the effect of a command type."""

    def register(function: Effect) -> Effect:
        EFFECTS[kind] = function
        return function

    return register

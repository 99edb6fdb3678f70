"""What a kind of command is, and all of them by type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from core.errors import Invalid
from core.permissions import Permission
from core.text import Text
from fleet.commands.events import FinishedCommand
from identity import approval_kinds
from mqtt.contract.codec import BadPayload
from mqtt.contract.command import parse_args
from mqtt.contract.names import CommandType

EFFECT = "command"
"""The outbox effect that offers a command; its key is the command's id."""
LIVING = frozenset({"active", "lost"})

Fill = Callable[[dict[str, Any], str], dict[str, Any]]
"""Completes args that a person left out: (args, reason of the command) -> args. The wire always has all of them."""
OnSuccess = Callable[[Sequence[FinishedCommand]], None]
Grace = Callable[[Mapping[str, Any]], int]
"""Seconds that the phone itself may take, from the args; a kind that has one owes a last word by a due date."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of command.

    `lifetime` is how long it may wait for its phone (None: for ever). `bulk_destructive`: destructive when it goes to
    more phones than the setting allows, and asked for with a reason whenever phones are chosen together. `approval`:
    needs a second person, and there is one at a time for each phone. `capped`: counts against the caps per hour.
    `content`: its output is private, its reading is audited, and it is kept only of a phone whose holder is confirmed.
    `states`: of the phones it may go to.
    """

    type: CommandType
    title: Text
    lifetime: timedelta | None
    destructive: bool = False
    bulk_destructive: bool = False
    approval: bool = False
    capped: bool = False
    content: bool = False
    states: frozenset[str] = LIVING
    fill: Fill | None = None
    grace: Grace | None = None
    on_success: OnSuccess | None = None

    def is_destructive(self, phones: int, threshold: int) -> bool:
        """Whether it destroys something when it goes to so many phones."""
        return self.destructive or (self.bulk_destructive and phones > threshold)

    @property
    def needs_reason_in_bulk(self) -> bool:
        """Whether phones that are chosen together get it only for a reason, however few they are."""
        return self.destructive or self.bulk_destructive

    def permission(self, destructive: bool) -> Permission:
        """What whoever asks for it must hold."""
        return Permission.COMMAND_DESTROY if destructive else Permission.COMMAND_SEND

    def checked_args(self, given: Mapping[str, Any], reason: str) -> dict[str, Any]:
        """The arguments as they go on the wire. Raises Invalid that names the member."""
        filled = self.fill(dict(given), reason) if self.fill else dict(given)
        try:
            return parse_args(self.type, filled).wire()
        except BadPayload as error:
            raise Invalid(
                "bad_args",
                Text(f"命令参数有误：{error.detail}。", f"The command's args are wrong: {error.detail}."),
                members=error.detail,
            ) from error


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Add a kind."""
    _kinds[str(kind.type)] = kind
    if kind.approval:
        approval_kinds.kind(approval_kind(str(kind.type)), kind.permission(kind.destructive))
    return kind


def approval_kind(command_type: str) -> str:
    """The kind under which a command's approval is kept."""
    return f"command.{command_type}"


def kind_of(name: str) -> Kind:
    """The kind of that type. Raises Invalid when there is none."""
    found = _kinds.get(name)
    if found is None:
        known = ", ".join(sorted(_kinds))
        raise Invalid(
            "unknown_command",
            Text(f"没有命令“{name[:40]}”。可用：{known}", f"There is no command “{name[:40]}”. There are: {known}"),
        )
    return found


def all_kinds() -> list[Kind]:
    """Every kind by type."""
    return [_kinds[name] for name in sorted(_kinds)]

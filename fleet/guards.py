"""What this room asks of higher ones. app.py binds their implementations; unbound, the careful answer is given."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from core.actor import Actor
from identity.operations import Doing


@dataclass(frozen=True, slots=True)
class PolicyState:
    """Desired and reported policy of a phone as the device list shows them."""

    desired: dict[str, Any] = field(default_factory=lambda: {"generation": None, "bundle": None})
    reported: dict[str, Any] = field(
        default_factory=lambda: {"generation": None, "bundle": None, "outcome": None, "at": None}
    )


class ComplianceGuard(Protocol):
    """Given by the room that judges findings."""

    def steps(self, device_ids: Sequence[str]) -> Mapping[str, str]:
        """What the ladder last did about phones (`none`, … `lock`), in one query; one never judged is missing."""

    def severity(self, code: str) -> str:
        """How bad a finding of that code is."""

    def hints(self) -> Collection[str]:
        """Codes of findings that do not put a phone out of order."""


PolicyStates = Callable[[Sequence[str]], Mapping[str, PolicyState]]
"""Policy states of many phones in a constant number of queries."""
LocationRule = Callable[[Sequence[tuple[str, datetime]]], set[int]]
"""Of positions (device id, time of the position) the indexes that the phones' policies allow to keep."""
OpenWipe = Callable[[str], str | None]
"""The signed wipe command that is open for a phone; called in the worker alone."""


Placed = Callable[[Actor, Collection[str], Doing], None]
"""Told of phones that were written to another unit or other groups, before anybody hears of it; raises to undo it."""
Following = Callable[[Collection[str]], Doing]
"""How phones follow their holders, for some of them."""
Followed = Callable[[Actor, Collection[str], Following], Collection[str]]
"""Told of phones that were written to the unit their holder moved to; returns those that stay where they were."""
StatusAsked = Callable[[str], None]
"""Told in the web process before the worker is asked for a phone's status: what the answer brings is noted there."""


def _no_policies(_device_ids: Sequence[str]) -> Mapping[str, PolicyState]:
    return {}


def _no_positions(_positions: Sequence[tuple[str, datetime]]) -> set[int]:
    return set()


def _nobody_asks(_device_id: str) -> None:
    return None


def _placed(_actor: Actor, _device_ids: Collection[str], _doing: Doing) -> None:
    return None


def _followed(_actor: Actor, _device_ids: Collection[str], _following: Following) -> Collection[str]:
    return ()


def _no_wipe(_device_id: str) -> str | None:
    return None


@dataclass(slots=True)
class _Bound:
    policy_states: PolicyStates = _no_policies
    location_rule: LocationRule = _no_positions
    open_wipe: OpenWipe = _no_wipe
    status_asked: StatusAsked = _nobody_asks
    placed: Placed = _placed
    followed: Followed = _followed
    compliance: ComplianceGuard | None = None


_bound = _Bound()


def bind(
    *,
    policy_states: PolicyStates | None = None,
    location_rule: LocationRule | None = None,
    open_wipe: OpenWipe | None = None,
    status_asked: StatusAsked | None = None,
    placed: Placed | None = None,
    followed: Followed | None = None,
    compliance: ComplianceGuard | None = None,
) -> None:
    """Bind the implementations that are given; the others stay."""
    _bound.policy_states = policy_states or _bound.policy_states
    _bound.location_rule = location_rule or _bound.location_rule
    _bound.open_wipe = open_wipe or _bound.open_wipe
    _bound.status_asked = status_asked or _bound.status_asked
    _bound.placed = placed or _bound.placed
    _bound.followed = followed or _bound.followed
    _bound.compliance = compliance or _bound.compliance


@contextmanager
def careful() -> Iterator[None]:
    """For a while nothing is bound: the careful answers are given, and whatever is bound meanwhile goes again."""
    global _bound  # noqa: PLW0603
    before, _bound = _bound, _Bound()
    try:
        yield
    finally:
        _bound = before


def policy_states(device_ids: Sequence[str]) -> Mapping[str, PolicyState]:
    """Policy states by device id; one that is missing has none."""
    return _bound.policy_states(device_ids)


def positions_to_keep(positions: Sequence[tuple[str, datetime]]) -> set[int]:
    """Indexes of the positions that may be kept: without a policy, none."""
    return _bound.location_rule(positions) if positions else set()


def open_wipe(device_id: str) -> str | None:
    """The open wipe's JWS, if any."""
    return _bound.open_wipe(device_id)


def status_asked(device_id: str) -> None:
    """A phone asks for its status; called in the unit of work of its request."""
    _bound.status_asked(device_id)


def placed(actor: Actor, device_ids: Collection[str], doing: Doing) -> None:
    """Phones were put elsewhere by this actor."""
    _bound.placed(actor, device_ids, doing)


def followed(actor: Actor, device_ids: Collection[str], following: Following) -> frozenset[str]:
    """Phones of people whom this actor moved; those of them that have to stay where they were."""
    return frozenset(_bound.followed(actor, device_ids, following))


def compliance() -> ComplianceGuard | None:
    """Who judges whether phones are in order, if anybody does."""
    return _bound.compliance

"""What this room asks of the rooms above it: who people are and where units stand. Bound by app.py."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from core.actor import ROOT_PATH, Actor


class Unit(Protocol):
    """A unit of the org tree: id, path of ids, path of names."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def path(self) -> str:
        """Ids from the root, `/a/b/`."""

    @property
    def name_path(self) -> str:
        """Names from the root."""


class Units(Protocol):
    """Units by their ids."""

    def __call__(self, ids: Collection[str], /) -> Mapping[str, Unit]:
        """Those that exist."""


class ResolveUnit(Protocol):
    """A unit that a person names."""

    def __call__(self, actor: Actor, reference: str, /) -> Unit:
        """The unit of that name path or id in the actor's scope. Raises Invalid or NotFound."""


class MailAddresses(Protocol):
    """Addresses of people."""

    def __call__(self, person_ids: Collection[str], /) -> Mapping[str, str]:
        """Mail addresses of those of the people who are active and have one."""


@dataclass(slots=True)
class _Bound:
    units: Units | None = None
    resolve_unit: ResolveUnit | None = None
    mail_addresses: MailAddresses | None = None


_bound = _Bound()


def bind(*, units: Units, resolve_unit: ResolveUnit, mail_addresses: MailAddresses) -> None:
    """Set who knows the org tree and the people."""
    _bound.units, _bound.resolve_unit, _bound.mail_addresses = units, resolve_unit, mail_addresses


def units(ids: Collection[str]) -> Mapping[str, Unit]:
    """The units of these ids."""
    return _bound.units(ids) if _bound.units and ids else {}


def unit_path(unit_id: str | None) -> str:
    """The id path of a unit; what belongs to none belongs to the root."""
    found = units([unit_id]) if unit_id else {}
    return found[unit_id].path if unit_id and unit_id in found else ROOT_PATH


def resolve_unit(actor: Actor, reference: str) -> Unit:
    """The unit that a person names. Raises Invalid or NotFound."""
    if _bound.resolve_unit is None:
        raise LookupError("nobody knows the org tree")
    return _bound.resolve_unit(actor, reference)


def mail_addresses(person_ids: Collection[str]) -> Mapping[str, str]:
    """Mail addresses of those of the people who are active and have one."""
    return _bound.mail_addresses(person_ids) if _bound.mail_addresses and person_ids else {}

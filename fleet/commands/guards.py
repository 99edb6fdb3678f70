"""What higher rooms may say about a wipe. app.py binds them; unbound, the careful answer is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from core.text import Text
from fleet import queries


class WipeGuard(Protocol):
    """Asked before a wipe is taken and again before each signature."""

    def __call__(self, device_ids: Sequence[str], *, preserve_records: bool) -> Mapping[str, Text]:
        """Why these phones must not be wiped now, by device id; phones without an objection are missing."""


class ArchivedThrough(Protocol):
    """Given by the archive: what the server holds of a phone's chain."""

    def __call__(self, device_ids: Sequence[str]) -> Mapping[str, int]:
        """The highest seq up to which every record is held, by device id; a phone without records is missing."""


@dataclass(slots=True)
class _Bound:
    wipe_guards: list[WipeGuard] = field(default_factory=list)
    archived_through: ArchivedThrough | None = None


_bound = _Bound()


def bind(*, wipe_guard: WipeGuard | None = None, archived_through: ArchivedThrough | None = None) -> None:
    """Add a wipe guard, or set who knows what is archived."""
    if wipe_guard is not None and wipe_guard not in _bound.wipe_guards:
        _bound.wipe_guards.append(wipe_guard)
    _bound.archived_through = archived_through or _bound.archived_through


def objections(device_ids: Sequence[str], *, preserve_records: bool) -> dict[str, Text]:
    """Why phones must not be wiped now, by device id."""
    found: dict[str, Text] = {}
    for guard in _bound.wipe_guards:
        found.update(guard(device_ids, preserve_records=preserve_records))
    return found


def unsent(device_ids: Sequence[str]) -> dict[str, int | None]:
    """How many records a phone holds that the server does not, by its newest word; None when nobody can tell.

    The hello is signed and counts with what is archived by now. A heartbeat is not, so it only ever adds to it.
    """
    hellos = queries.hellos(device_ids)
    held = _bound.archived_through(device_ids) if _bound.archived_through else {}
    queued = queries.queue_lengths(device_ids)
    found: dict[str, int | None] = {}
    for device_id in device_ids:
        hello = hellos.get(device_id)
        if hello is None:
            found[device_id] = None
            continue
        through = max(hello.archived_through, held.get(device_id, 0))
        found[device_id] = max(0, hello.next_seq - 1 - through, queued.get(device_id, 0))
    return found


def would_lose_records(device_ids: Sequence[str]) -> set[str]:
    """Phones whose wipe without preserving would, or might, destroy records that nobody else has."""
    return {device_id for device_id, count in unsent(device_ids).items() if count != 0}

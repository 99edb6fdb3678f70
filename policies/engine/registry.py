"""The families that the engine can read and judge; each file in `families/` registers one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import TypeAdapter

from policies.engine.documents import KeywordSet
from policies.engine.scanning import Scanner
from policies.engine.situation import Situation
from policies.engine.verdict import Because
from policies.engine.windows import Weekday


class Known(Protocol):
    """What a judge may ask of the bundle beside its own rule."""

    @property
    def rules(self) -> Mapping[str, Any]:
        """All rules in force, by family."""

    @property
    def keyword_sets(self) -> Mapping[str, KeywordSet]:
        """Keyword sets by name."""

    @property
    def scanner(self) -> Scanner:
        """The keyword sets, compiled."""

    def exceptions(self, calendar: str | None) -> Mapping[str, Weekday | None]:
        """Date -> the weekday that it follows, None for a day off."""


Judge = Callable[[Any, Situation, Known], Iterable[Because]]


@dataclass(frozen=True, slots=True)
class WireFamily:
    """One family: its name, the type of its rule in a bundle and the reader of it, and its judge."""

    name: str
    type: Any
    form: TypeAdapter[Any]
    judge: Judge


_families: dict[str, WireFamily] = {}


def register(name: str, form: Any, judge: Judge) -> None:
    """Make a family known. Raises ValueError when the name is taken."""
    if name in _families:
        raise ValueError(f"family {name} is registered twice")
    _families[name] = WireFamily(name, form, TypeAdapter(form), judge)


def families() -> Mapping[str, WireFamily]:
    """All families by name, in the order of their names."""
    return {name: _families[name] for name in sorted(_families)}

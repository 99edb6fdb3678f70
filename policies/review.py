"""What a change would do to phones: how many get other rules, and where these become looser."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from policies import bundles, devices
from policies.language.compile import calendar_document, keyword_set_document
from policies.language.problems import path_text
from policies.rules.algebra import text_of
from policies.rules.merging import Fragments, loosened, rules_of
from policies.world import Mixture, Reached, World

NAMED = 20
"""So many of the touched phones are named."""
SHOWN, SAID = 50, 5
"""So many places are kept with a change, and so many are named in a sentence."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A place at which rules ask for less than before, or for more, and on how many phones."""

    path: str
    devices: int

    def plain(self) -> dict[str, Any]:
        """As it is shown."""
        return {"path": self.path, "devices": self.devices}


@dataclass(frozen=True, slots=True)
class Loosened:
    """Phones whose rules ask for less than before at the same places."""

    paths: tuple[str, ...]
    phones: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """How many phones a change touches, the first of them by id, and what becomes looser or tighter.

    `loosened` names every phone for which something becomes looser, and what.
    """

    devices: int = 0
    looser: list[Moved] = field(default_factory=list)
    tighter: list[Moved] = field(default_factory=list)
    first: list[str] = field(default_factory=list)
    loosened: list[Loosened] = field(default_factory=list)

    def plain(self, most: int | None = None) -> dict[str, Any]:
        """As it is shown: how many phones, and the places, at `most` so many of each."""
        return {
            "devices": self.devices,
            "looser": [place.plain() for place in self.looser[:most]],
            "tighter": [place.plain() for place in self.tighter[:most]],
        }

    def audited(self) -> dict[str, Any]:
        """As the audit log keeps it: how many phones, and the first places that become looser."""
        return {"devices": self.devices, "looser": self.plain(SHOWN)["looser"]}

    def said(self) -> str:
        """The first places that become looser, for a sentence."""
        return ", ".join(place.path for place in self.looser[:SAID])


@dataclass(frozen=True)
class _Effect:
    """The effective policy of a mixture with all that it names."""

    fragments: Fragments
    sets: dict[str, dict[str, Any]]
    calendars: dict[str, dict[str, Any]]

    @cached_property
    def text(self) -> str:
        return text_of([rules_of(self.fragments), self.sets, self.calendars])


class _Effects:
    """Effects of mixtures, each made once for each of the worlds that phones of different rings have."""

    def __init__(self) -> None:
        self._made: dict[Given, _Effect] = {}

    def of(self, given: Given) -> _Effect:
        """The effect of a mixture in a world."""
        if given not in self._made:
            self._made[given] = self._make(given)
        return self._made[given]

    def _make(self, given: Given) -> _Effect:
        current = given.world
        fragments = bundles.merged(current, given.mixture)
        rules = rules_of(fragments)
        sets = {name: words for name in bundles.sets_named(rules) if (words := current.keyword_set(name))}
        days = {name: dates for name in bundles.calendars_named(rules) if (dates := current.calendar(name))}
        return _Effect(
            fragments,
            {name: keyword_set_document(name, spec) for name, spec in sets.items()},
            {name: calendar_document(name, spec) for name, spec in days.items()},
        )


@dataclass(frozen=True)
class Given:
    """A mixture in a world. Worlds are told apart by identity: each part of one is made once."""

    world: World
    mixture: Mixture

    def __hash__(self) -> int:
        return hash((id(self.world), self.mixture))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Given) and self.world is other.world and self.mixture == other.mixture


Pair = tuple[Given, Given]


def review(old: World, new: World, device_ids: Collection[str]) -> Review:
    """Compare two worlds over phones."""
    pairs: dict[Pair, list[str]] = {}
    for phones in devices.living(device_ids):
        had, gets = _given(old, phones), _given(new, phones)
        for phone in phones:
            pairs.setdefault((had[phone.id], gets[phone.id]), []).append(phone.id)
    return weigh(pairs)


def weigh(pairs: Mapping[Pair, Sequence[str]]) -> Review:
    """Compare what phones had with what they get, by the phones that each pair of mixtures stands for."""
    effects = _Effects()
    touched, looser, tighter = 0, Counter[str](), Counter[str]()
    named: list[str] = []
    loosened: list[Loosened] = []
    for pair, phones in pairs.items():
        one, other = effects.of(pair[0]), effects.of(pair[1])
        if one.text == other.text:
            continue
        touched += len(phones)
        named += phones[:NAMED]
        lost = sorted(_looser(one, other))
        looser.update(dict.fromkeys(lost, len(phones)))
        tighter.update(dict.fromkeys(_looser(other, one), len(phones)))
        if lost:
            loosened.append(Loosened(tuple(lost), tuple(sorted(phones))))
    return Review(touched, _places(looser), _places(tighter), sorted(named)[:NAMED], sorted(loosened, key=_order))


def _order(one: Loosened) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return one.paths, one.phones


def _places(found: Mapping[str, int]) -> list[Moved]:
    return [Moved(path, found[path]) for path in sorted(found)]


def _given(current: World, phones: Sequence[Reached]) -> dict[str, Given]:
    return {
        phone_id: Given(world, mixture)
        for world, some in current.split(phones)
        for phone_id, mixture in world.mixtures(some).items()
    }


def _looser(old: _Effect, new: _Effect) -> set[str]:
    found = {path_text(path) for path in loosened(old.fragments, new.fragments)}
    for name in old.sets.keys() & new.sets.keys():
        found |= {f"KeywordSet/{name}/{term}" for term in _lost_terms(old.sets[name], new.sets[name])}
        kept = new.sets[name]["steps"]
        found |= {f"KeywordSet/{name}/match/{step}" for step in old.sets[name]["steps"] if step not in kept}
    for name in old.calendars.keys() & new.calendars.keys():
        found |= {f"Calendar/{name}/{day}" for day in _opened_days(old.calendars[name], new.calendars[name])}
    return found


def _lost_terms(old: dict[str, Any], new: dict[str, Any]) -> set[str]:
    """Terms that are gone, changed, or excused by more phrases."""
    present = {term["id"]: term for term in new["terms"]}
    return {
        term["id"]
        for term in old["terms"]
        if (now := present.get(term["id"])) is None
        or any(term.get(key) != now.get(key) for key in ("term", "pattern"))
        or not set(now["except"]) <= set(term["except"])
    }


def _opened_days(old: dict[str, Any], new: dict[str, Any]) -> set[str]:
    """Holidays that are none any more, and days that became workdays or other ones."""
    had = {day["date"]: day for day in old["days"]}
    gets = {day["date"]: day for day in new["days"]}
    lost = {date for date, day in had.items() if day["kind"] == "holiday" and gets.get(date) != day}
    return lost | {date for date, day in gets.items() if day["kind"] == "workday" and had.get(date) != day}

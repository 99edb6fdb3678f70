"""Rules in the shadow: judged here and nowhere else, so that an author sees what they would do before they do it.

They are in no bundle. Who stores what was said hands the texts over and keeps what comes back. What is in force is
compiled once and swapped whole when another version comes into force; each process looks for that with one small query.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from policies import devices, fold_tables, world
from policies.engine import KeywordSet, Scanner
from policies.engine.families.keywords import KeywordRule, action_of
from policies.engine.situation import Direction
from policies.language.compile import keyword_set_document
from policies.language.kinds import KeywordSetSpec
from policies.scopes import Place
from policies.world import InForce, World

_KINDS = ("Policy", "KeywordSet")
SHADOW = "shadow"
_AT = "@"


@dataclass(frozen=True, slots=True)
class Said:
    """A message of a phone, and what the same side of the conversation said before it (oldest first)."""

    device_id: str
    text: str
    direction: Direction
    before: Sequence[str] = ()


class Trial(NamedTuple):
    """A shadow rule in force: the policy's version and the set's, and what it would do with what it finds."""

    policy: str
    policy_version: int
    keyword_set: str
    set_version: int
    rule: KeywordRule


class Judged(NamedTuple):
    """What one shadow rule would have done with one message (its number in the request), and the terms it found."""

    number: int
    org_unit_id: str
    trial: Trial
    action: str
    terms: list[str]


@dataclass(frozen=True)
class Vocabulary:
    """Keyword sets as they are in force, each once for each of its versions."""

    sets: Sequence[InForce] = ()

    @cached_property
    def scanner(self) -> Scanner:
        """All of them as `name@version`, compiled when the first text is looked at."""
        made = [_compiled(one) for one in self.sets]
        steps = {str(step) for one in made for step in one.steps}
        return Scanner(made, fold_tables.tables(steps))

    @property
    def editions(self) -> set[tuple[str, int]]:
        """Ids and versions."""
        return {(one.id, one.version) for one in self.sets}


@dataclass(frozen=True)
class Index:
    """All policies that have a shadow rule in force anywhere, with the keyword sets that those rules name."""

    editions: tuple[tuple[str, str, int], ...] = ()
    documents: Mapping[tuple[str, str], InForce] = field(default_factory=dict)
    ringed: Mapping[Place, tuple[InForce, ...]] = field(default_factory=dict)
    words: Vocabulary = Vocabulary()

    def policies(self) -> list[InForce]:
        """Policies with a shadow rule in force, each once for each of its versions."""
        return [one for one in _distinct(self.documents, self.ringed) if one.kind == "Policy" and shadow_rules(one)]

    def judge(self, messages: Sequence[Said]) -> list[Judged]:
        """What shadow rules would have done with messages, in their order; messages of other phones are passed over."""
        found = {number: hits for number, one in enumerate(messages) if (hits := self._hits(one))}
        units: dict[str, str] = {}
        trials: dict[str, list[Trial]] = {}
        for device_id, unit_id, mine in self._trials({messages[number].device_id for number in found}):
            units[device_id], trials[device_id] = unit_id, mine
        return [
            Judged(number, units[device_id], trial, action, terms)
            for number, hits in found.items()
            for device_id in (messages[number].device_id,)
            for trial in trials.get(device_id, ())
            if (terms := hits.get(f"{trial.keyword_set}{_AT}{trial.set_version}"))
            and (action := action_of(trial.rule, messages[number].direction))
        ]

    def _hits(self, said: Said) -> dict[str, list[str]]:
        """Ids of the terms found, by `name@version`."""
        found: dict[str, dict[str, None]] = {}
        for hit in self.words.scanner.scan(said.text, said.before):
            found.setdefault(hit.set, {})[hit.term] = None
        return {name: list(terms) for name, terms in found.items()}

    def _trials(self, device_ids: set[str]) -> Iterator[tuple[str, str, list[Trial]]]:
        """Of each phone in the fleet that shadow rules reach: its id, its unit, the rules."""
        if not device_ids:
            return
        current = world.around(self.documents, self.ringed)
        for phones in devices.living(device_ids):
            for inside, some in current.split(phones):
                mixtures = inside.mixtures(some)
                for phone in some:
                    policies = sorted({source.policy for source in mixtures[phone.id]})
                    mine = [trial for name in policies for trial in _trials_of(inside, name)]
                    if mine:
                        yield phone.id, phone.unit_id, mine


_cached = Index()


def current() -> Index | None:
    """What is in the shadow now; None where nothing is."""
    global _cached  # noqa: PLW0603
    editions = world.editions(_KINDS)
    if _cached.editions != editions:
        _cached = _load(editions)
    return _cached if _cached.documents or _cached.ringed else None


def leaving(name: str, spec: Mapping[str, Any]) -> set[str]:
    """Keyword sets for which a policy has a rule in the shadow that would be enforced with another spec."""
    index = current()
    mine = [one for one in index.policies() if one.name == name] if index else []
    tried = {rule.set for policy in mine for rule in shadow_rules(policy)}
    return tried & {rule["set"] for rule in spec.get("keywords") or () if rule.get("mode") != SHADOW}


def _load(editions: tuple[tuple[str, str, int], ...]) -> Index:
    everywhere, ringed = world.in_force(["Policy"])
    alone = [one for some in ringed.values() for one in some]
    tried = {one.name for one in (*everywhere.values(), *alone) if shadow_rules(one)}
    if not tried:
        return Index(editions)
    names = {rule.set for one in (*everywhere.values(), *alone) for rule in shadow_rules(one)}
    sets, ringed_sets = world.in_force(["KeywordSet"], names)
    documents = {key: one for key, one in everywhere.items() if one.name in tried} | sets
    places = {
        place: (*(one for one in ringed.get(place, ()) if one.name in tried), *ringed_sets.get(place, ()))
        for place in ringed.keys() | ringed_sets.keys()
    }
    inside = {place: some for place, some in places.items() if some}
    words = Vocabulary(_distinct(sets, ringed_sets))
    # Another policy's version compiles no word anew.
    same = words.editions == _cached.words.editions
    return Index(editions, documents, inside, _cached.words if same else words)


def _distinct(everywhere: Mapping[Any, InForce], ringed: Mapping[Place, Sequence[InForce]]) -> list[InForce]:
    """Each document once for each of its versions in force."""
    every = [*everywhere.values(), *(one for some in ringed.values() for one in some)]
    return list({(one.id, one.version): one for one in every}.values())


def shadow_rules(policy: InForce) -> list[KeywordRule]:
    """The rules of a policy that are in the shadow."""
    given = policy.spec.get("keywords") or ()
    return [_rule(one) for one in given if one.get("mode") == SHADOW]


def _rule(entry: Mapping[str, str]) -> KeywordRule:
    return KeywordRule.model_validate(
        {
            "set": entry["set"],
            "action": entry["action"],
            "severity": entry.get("severity", "warning"),
            "direction": entry.get("direction", "both"),
        }
    )


def _trials_of(inside: World, policy: str) -> Iterator[Trial]:
    document = inside.documents["Policy", policy]
    for rule in shadow_rules(document):
        words = inside.documents.get(("KeywordSet", rule.set))
        if words is not None:
            yield Trial(policy, document.version, rule.set, words.version, rule)


def _compiled(one: InForce) -> KeywordSet:
    document = keyword_set_document(one.name, KeywordSetSpec.model_validate(one.spec))
    return KeywordSet.model_validate({**document, "set": f"{one.name}{_AT}{one.version}"})

"""A draft and what is in force of the same document, each as a bundle of its own: what a simulation compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policies import fold_tables, publish, world
from policies.drafts import load
from policies.engine import Bundle
from policies.language.compile import calendar_document, keyword_set_document
from policies.language.kinds import CalendarSpec, KeywordSetSpec
from policies.rules import PolicySpec
from policies.rules.merging import compile_spec, rules_of

KINDS = ("Policy", "KeywordSet")
_FOUND = {"action": "alert", "severity": "warning", "direction": "both"}
"""What a keyword set by itself does with what it finds."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The rules of a draft, and of the version in force everywhere (None: there is none)."""

    draft: Bundle
    in_force: Bundle | None
    version: int | None


def compared(kind: str, name: str) -> Compared:
    """A policy or a keyword set, rules in the shadow as if they were enforced. Raises NotFound."""
    row = load([(kind, name)]).get((kind, name))
    if row is None or row.deleted_at is not None:
        raise publish.no_such_document(kind, name)
    around = {key: one.spec for key, one in world.in_force(["KeywordSet", "Calendar"])[0].items()}
    present = world.in_force([kind], [name])[0].get((kind, name))
    return Compared(
        _bundle(kind, name, row.spec, around),
        _bundle(kind, name, present.spec, around) if present else None,
        present.version if present else None,
    )


def _bundle(
    kind: str, name: str, spec: Mapping[str, Any], around: Mapping[tuple[str, str], Mapping[str, Any]]
) -> Bundle:
    if kind == "KeywordSet":
        return _read({"keywords": [{"set": name, **_FOUND}]}, {**around, (kind, name): spec})
    enforced = [{**rule, "mode": "enforced"} for rule in spec.get("keywords") or ()]
    given = {**spec, "keywords": enforced} if enforced else spec
    return _read(rules_of(compile_spec(PolicySpec.model_validate(given), name)), around)


def _read(rules: Mapping[str, Any], around: Mapping[tuple[str, str], Mapping[str, Any]]) -> Bundle:
    named = {rule["set"] for rule in rules.get("keywords") or ()}
    sets = {
        one: KeywordSetSpec.model_validate(around["KeywordSet", one]) for one in named if ("KeywordSet", one) in around
    }
    days = {rule["calendar"] for rule in rules.get("work_hours") or () if "calendar" in rule}
    calendars = {
        one: CalendarSpec.model_validate(around["Calendar", one]) for one in days if ("Calendar", one) in around
    }
    steps = {str(step) for words in sets.values() for step in words.steps}
    return Bundle.read(
        rules,
        {one: keyword_set_document(one, words) for one, words in sets.items()},
        {one: calendar_document(one, dates) for one, dates in calendars.items()},
        fold_tables={step: {"table": step, "folds": dict(table)} for step, table in fold_tables.tables(steps).items()},
    )

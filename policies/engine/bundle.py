"""The rules of a phone as the engine reads them, with the keyword sets and calendars that they name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from policies.engine.documents import FoldTable, KeywordSet, WorkCalendar
from policies.engine.families import FAMILIES
from policies.engine.scanning import Scanner
from policies.engine.windows import Weekday

Outcome = Literal["enforced", "unsupported", "failed"]


@dataclass(frozen=True, slots=True)
class Reading:
    """The families that can be carried out, and the outcome of each that the bundle names."""

    rules: dict[str, Any]
    outcome: dict[str, Outcome]


def read_rules(document: Mapping[str, Any], capabilities: frozenset[str] | None = None) -> Reading:
    """Read the `rules` of a bundle.

    A family that this engine does not know, that has an unknown member, or that is not among `capabilities`,
    is `unsupported`; the others stay in force.
    """
    rules: dict[str, Any] = {}
    outcome: dict[str, Outcome] = {}
    for name, value in document.items():
        family = FAMILIES.get(name)
        able = family is not None and (capabilities is None or name in capabilities)
        if family is None or not able:
            outcome[name] = "unsupported"
            continue
        try:
            rules[name] = family.form.validate_python(value)
            outcome[name] = "enforced"
        except ValidationError:
            outcome[name] = "unsupported"
    return Reading(rules, outcome)


class Bundle(BaseModel):
    """All that `decide` knows of a phone's policy."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    rules: dict[str, Any] = {}
    keyword_sets: dict[str, KeywordSet] = {}
    calendars: dict[str, WorkCalendar] = {}
    fold_tables: dict[str, FoldTable] = {}

    @classmethod
    def read(
        cls,
        rules: Mapping[str, Any],
        keyword_sets: Mapping[str, Any] | None = None,
        calendars: Mapping[str, Any] | None = None,
        capabilities: frozenset[str] | None = None,
        fold_tables: Mapping[str, Any] | None = None,
    ) -> Self:
        """A bundle from the JSON documents of its rules, keyword sets, calendars and fold tables (all by name)."""
        return cls(
            rules=read_rules(rules, capabilities).rules,
            keyword_sets={name: KeywordSet.model_validate(doc) for name, doc in (keyword_sets or {}).items()},
            calendars={name: WorkCalendar.model_validate(doc) for name, doc in (calendars or {}).items()},
            fold_tables={name: FoldTable.model_validate(doc) for name, doc in (fold_tables or {}).items()},
        )

    @cached_property
    def scanner(self) -> Scanner:
        """All keyword sets, compiled when the first text is looked at."""
        tables = {name: table.folds for name, table in self.fold_tables.items()}
        return Scanner(self.keyword_sets.values(), tables)

    def exceptions(self, calendar: str | None) -> dict[str, Weekday | None]:
        """The exceptions of a calendar; none when it is not given."""
        known = self.calendars.get(calendar or "")
        return known.exceptions() if known else {}

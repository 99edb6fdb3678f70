"""Keyword sets and calendars as they are shipped (PROTOCOL 12)."""

from __future__ import annotations

import hashlib
from typing import Any

from policies.language.kinds import CalendarSpec, KeywordSetSpec, TermEntry


def term_id(set_name: str, entry: TermEntry) -> str:
    """The id that was given, else the set's name and 12 hex digits of the term's SHA-256."""
    return entry.id or f"{set_name}/{hashlib.sha256(entry.text.encode()).hexdigest()[:12]}"


def keyword_set_document(name: str, spec: KeywordSetSpec) -> dict[str, Any]:
    """A keyword set's document.

    Terms in the order of their ids, steps in the order in which they are undone.
    """
    terms = sorted((_term(name, entry) for entry in spec.terms), key=lambda term: str(term["id"]))
    return {"set": name, "terms": terms, "steps": spec.steps}


def _term(set_name: str, entry: TermEntry) -> dict[str, Any]:
    text = {"term": entry.term} if entry.term is not None else {"pattern": entry.pattern}
    return {"id": term_id(set_name, entry), **text, "except": sorted(set(entry.excuses or ()))}


def calendar_document(name: str, spec: CalendarSpec) -> dict[str, Any]:
    """A calendar's document: the days in order, without the names that only people read."""
    days: list[dict[str, Any]] = []
    for day in sorted(spec.days, key=lambda entry: entry.date):
        like = {"like": day.like or "mon"} if day.kind == "workday" else {}
        days.append({"date": day.date, "kind": day.kind, **like})
    return {"calendar": name, "days": days}

"""Reading what shadow rules would have done: counts for whoever reads documents, messages for whoever reads texts."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Select, func, select, true

from archive.models import ShadowCount, ShadowHit, ShadowTerm
from archive.scope import visible_devices
from archive.shadow import KEPT, today_here
from archive.shadow_views import (
    ShadowDayView,
    ShadowGlanceView,
    ShadowMessageView,
    ShadowRuleView,
    ShadowSumView,
    ShadowTermView,
    ShadowView,
)
from core.actor import Actor
from core.db import session
from core.paging import Page, keyset
from core.permissions import Permission
from identity.scope import sees_everything, visible_units
from policies import documents, keyword_terms, shadow

KINDS = ("Policy", "KeywordSet")
WEEK = 7
MAX_DAYS = KEPT.days
SHOWN_TERMS = 50


def counts(actor: Actor, kind: str, name: str, days: int = WEEK) -> ShadowView:
    """What the shadow rules of a policy, or those that name a keyword set, would have done in the last days.

    Raises NotFound.
    """
    actor.require(Permission.DOCUMENT_READ)
    documents.require(actor, kind, name)
    days = max(1, min(days, MAX_DAYS))
    rules = _rules(actor, kind, name, days)
    return ShadowView(
        kind=kind,
        name=name,
        days=days,
        in_shadow=in_shadow(kind, name),
        messages=sum(rule.messages for rule in rules),
        phones=_figures(actor, kind, name, days)[0]["phones"],
        by_day=_by_day(actor, kind, name, days),
        rules=rules,
        terms=_terms(actor, kind, name, days),
    )


def glance(actor: Actor, kind: str, name: str) -> ShadowGlanceView | None:
    """The last week in two figures; None for a document without a rule in the shadow, now or then."""
    actor.require(Permission.DOCUMENT_READ)
    found = _figures(actor, kind, name, WEEK) if kind in KINDS else []
    held = kind in KINDS and in_shadow(kind, name)
    messages, phones = (found[0]["messages"], found[0]["phones"]) if found else (0, 0)
    return ShadowGlanceView(in_shadow=held, days=WEEK, messages=messages, phones=phones) if held or messages else None


def in_shadow(kind: str, name: str) -> bool:
    """Whether a rule of the policy, or one that names the set, is in the shadow now."""
    index = shadow.current()
    if index is None:
        return False
    return any(
        name in ((policy.name,) if kind == "Policy" else {rule.set for rule in shadow.shadow_rules(policy)})
        for policy in index.policies()
    )


def leaving(actor: Actor, policy: str, sets: Collection[str], days: int = WEEK) -> list[ShadowSumView]:
    """What rules of a policy about these sets would have done in the last days; one that hit nothing has zeros."""
    actor.require(Permission.DOCUMENT_READ)
    rows = {row["keyword_set"]: row for row in _figures(actor, "Policy", policy, days, ShadowCount.keyword_set)}
    nothing = {"messages": 0, "phones": 0}
    return [ShadowSumView(**(rows.get(name) or {"keyword_set": name, **nothing})) for name in sorted(sets)]


def messages(actor: Actor, kind: str, name: str, cursor: str | None, limit: int) -> Page[ShadowMessageView]:
    """The newest messages on which shadow rules would have acted, of phones in the actor's part of the tree.

    That a message holds a term says what is in it, so this takes the right to read texts. Raises NotFound.
    """
    actor.require(Permission.ARCHIVE_READ)
    documents.require(actor, kind, name)
    query = select(ShadowHit).where(_named(ShadowHit, kind, name), ShadowHit.device_id.in_(visible_devices(actor)))
    page = keyset(session(), query, [ShadowHit.id], cursor, limit, descending=True)
    return page.map(lambda row: ShadowMessageView.model_validate(row, from_attributes=True))


def _rules(actor: Actor, kind: str, name: str, days: int) -> list[ShadowRuleView]:
    """Figures by rule, version and action, the most frequent first."""
    table = ShadowCount
    columns = (table.policy, table.policy_version, table.keyword_set, table.set_version, table.action)
    found = [ShadowRuleView(**row) for row in _figures(actor, kind, name, days, *columns)]
    return sorted(found, key=lambda rule: (-rule.messages, rule.policy, rule.keyword_set, -rule.policy_version))


def _by_day(actor: Actor, kind: str, name: str, days: int) -> list[ShadowDayView]:
    """Every day, those without a hit too, the oldest first."""
    found = {row["day"]: row for row in _figures(actor, kind, name, days, ShadowCount.day)}
    every = [_first(days) + timedelta(days=number) for number in range(days)]
    return [ShadowDayView(**(found.get(day) or {"day": day, "messages": 0, "phones": 0})) for day in every]


def _figures(actor: Actor, kind: str, name: str, days: int, *columns: Any) -> list[dict[str, Any]]:
    """Messages and phones by the columns."""
    figures = (func.sum(ShadowCount.messages).label("messages"), func.count(_phones()).label("phones"))
    query = _of(ShadowCount, actor, kind, name, days, *columns, *figures).group_by(*columns)
    return [{**row, "messages": int(row["messages"] or 0)} for row in session().execute(query).mappings()]


def _terms(actor: Actor, kind: str, name: str, days: int) -> list[ShadowTermView]:
    total = func.sum(ShadowTerm.messages)
    query = _of(ShadowTerm, actor, kind, name, days, ShadowTerm.keyword_set, ShadowTerm.term, total.label("messages"))
    query = query.group_by(ShadowTerm.keyword_set, ShadowTerm.term)
    rows = session().execute(query.order_by(total.desc(), ShadowTerm.term).limit(SHOWN_TERMS)).all()
    texts = {one: keyword_terms.texts(one) for one in sorted({row.keyword_set for row in rows})}
    return [
        ShadowTermView(
            keyword_set=row.keyword_set,
            id=row.term,
            term=texts[row.keyword_set].get(row.term),
            messages=int(row.messages),
        )
        for row in rows
    ]


def _of(
    table: type[ShadowCount] | type[ShadowTerm], actor: Actor, kind: str, name: str, days: int, *columns: Any
) -> Select[Any]:
    seen = true() if sees_everything(actor) else table.org_unit_id.in_(visible_units(actor))
    return select(*columns).where(_named(table, kind, name), table.day >= _first(days), seen)


def _named(table: type[ShadowCount] | type[ShadowTerm] | type[ShadowHit], kind: str, name: str) -> Any:
    return (table.policy if kind == "Policy" else table.keyword_set) == name


def _phones() -> Any:
    return ShadowCount.device_id.distinct()


def _first(days: int) -> date:
    return today_here() - timedelta(days=days - 1)

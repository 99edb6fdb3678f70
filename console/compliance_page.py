"""What is not in order across phones: totals by finding and by org unit, how it went, and the findings themselves."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template, url_for

from compliance import finding_views, registry, summary
from compliance.finding_views import Filters
from compliance.registry import Severity
from compliance.states import NONCOMPLIANT
from compliance.views import FindingView, Totals, UnitCounts
from console import choices, frame, labels, language, lists, overview
from console.device_view import BAD, IDLE, WARN, Label
from console.overview import STANDING, Figure
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.text import Text

FILTERS = ("code", "severity", "org_unit", "state", "hints")
SHOWN = "shown"
HINTS = {SHOWN: Text("显示", "Shown")}
COUNTED, EXCEPTED = "counted", "excepted"
STATES = {COUNTED: Text("未豁免", "Not excepted"), EXCEPTED: Text("例外中", "Excepted")}
TONES = {"critical": BAD, "warning": WARN}
_SEVERITIES = list(Severity)
MOST = 10
"""How many findings and units the totals name; the filters reach the others."""

pages = Pages("compliance", __name__)


@dataclass(frozen=True, slots=True)
class Line:
    """Phones out of order in an org unit and all below it, of how many."""

    unit: str
    wrong: int
    phones: int
    address: str


@pages.get("/compliance", Permission.COMPLIANCE_READ)
def show() -> str:
    """Totals, and the open findings of one's part of the tree, the worst first; hints where one asks for them."""
    actor, shown = current_actor(), lists.shown(FILTERS)
    filters = _filters(shown)
    total, hidden = finding_views.count(actor, filters)
    page = finding_views.find(actor, filters, lists.cursor(), lists.LIMIT)
    totals = summary.totals(actor, shown.get("org_unit"))
    return render_template(
        "_compliance.html" if frame.wants_part() else "compliance.html",
        findings=page.items,
        total=total,
        hidden=hidden,
        with_hints=_narrowed(shown, hints=SHOWN),
        paging=lists.paging(page, shown),
        shown=shown,
        address=frame.here(),
        chip=chip,
        labels=labels,
        may_except=actor.may(Permission.COMPLIANCE_EXCEPT),
        tiles=_tiles(totals),
        codes=_codes(totals, shown),
        units=_units(summary.by_unit(actor), shown),
        history=overview.history(actor, shown.get("org_unit")),
        tabs=tabs("findings"),
        choices={
            "codes": codes(),
            "severities": language.pairs(labels.SEVERITIES),
            "states": language.pairs(STATES),
            "hints": language.pairs(HINTS),
            "units": choices.units(actor),
        },
    )


def tabs(at: str) -> list[tuple[str, Text, bool]]:
    """The pages about compliance."""
    return [
        (url_for("page_compliance.show"), Text("合规发现", "Findings"), at == "findings"),
        (url_for("page_compliance_exceptions.show_list"), Text("例外", "Exceptions"), at == "exceptions"),
    ]


def codes() -> list[tuple[str, str]]:
    """Every finding that there can be, for menus."""
    return sorted(
        ((check.code, language.say(check.title)) for check in registry.all_checks()), key=lambda pair: pair[1]
    )


def chip(one: FindingView) -> Label:
    """How bad a finding is, in grey where it does not count now."""
    text = labels.SEVERITIES.get(one.severity) or labels.plain(one.severity)
    return Label(text, TONES.get(one.severity, IDLE) if one.counts else IDLE)


def _filters(shown: dict[str, str]) -> Filters:
    state = shown.get("state")
    return Filters(
        code=shown.get("code"),
        severity=shown.get("severity"),
        org_unit=shown.get("org_unit"),
        excepted=None if state not in STATES else state == EXCEPTED,
        hints=shown.get("hints") == SHOWN or "code" in shown or "severity" in shown,
    )


def _tiles(totals: Totals) -> list[Figure]:
    phones = url_for("page_devices.show_list")
    found = [
        Figure(labels.COMPLIANCE[name], number, STANDING[name] if number else IDLE, f"{phones}?compliance={name}")
        for name, number in totals.states.items()
    ]
    steps = {name: labels.TIMELINE[f"compliance.{name}"] for name in totals.steps}
    return [*found, *(Figure(text, totals.steps[name], BAD) for name, text in steps.items())]


def _codes(totals: Totals, shown: dict[str, str]) -> list[Figure]:
    return [
        Figure(one.title, one.devices, TONES.get(one.severity, IDLE), _narrowed(shown, code=one.code))
        for one in sorted(totals.codes, key=lambda one: _SEVERITIES.index(Severity(one.severity)), reverse=True)[:MOST]
    ]


def _units(units: list[UnitCounts], shown: dict[str, str]) -> list[Line]:
    """The units with most phones out of order, each with all below it."""
    lines = [
        Line(one.org_unit, one.total[NONCOMPLIANT], sum(one.total.values()), _narrowed(shown, org_unit=one.org_unit))
        for one in units
    ]
    return sorted((line for line in lines if line.wrong), key=lambda line: (-line.wrong, line.unit))[:MOST]


def _narrowed(shown: dict[str, str], **more: str) -> str:
    return lists.address({**shown, **more})

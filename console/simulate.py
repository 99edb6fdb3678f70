"""Simulate: what a draft would have done with the archive of a span, in figures and with records to judge it by."""

from __future__ import annotations

from typing import Any

from flask import render_template, request

from archive import simulate
from archive.simulation_views import SimulationView
from console import choices, errors, forms, labels, language, words
from console.device_view import BAD, IDLE, OK, Label
from console.shadow import action, require_kind, span
from core.errors import ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.text import Text
from fleet import queries as fleet
from policies import documents, keyword_terms

SPANS = (1, 7, 30, 90)
SHOWN_RULES, SHOWN_NAMES, SHOWN_SAMPLES = 50, 20, 30
CHANGES = {
    simulate.NEW: Label(Text("新命中", "New"), BAD),
    simulate.GONE: Label(Text("不再命中", "Gone"), OK),
    simulate.SAME: Label(Text("照旧", "As before"), IDLE),
}
FIELDS = {"unknown_org_unit": "org_unit"}

pages = Pages("simulate", __name__)


@pages.get("/policies/<kind>/<name>/simulate", Permission.ARCHIVE_READ)
@errors.shows("page_simulate.run")
def ask(kind: str, name: str, problem: ShoujiError | None = None) -> str:
    """Over which days, of which phones."""
    return _page(kind, name, None, problem)


@pages.post("/policies/<kind>/<name>/simulate", Permission.ARCHIVE_READ, reads_first=True)
def run(kind: str, name: str) -> str:
    """The figures; that the archive was read for them stands in the audit log."""
    require_kind(kind)
    days, unit = _days(), forms.field("org_unit", 1400).strip() or None
    found = simulate.simulate(current_actor(), kind, name, days=days, org_unit=unit)
    return _page(kind, name, found, None)


def _days() -> int:
    asked = forms.field("days", 3)
    return next((one for one in SPANS if str(one) == asked), simulate.WEEK)


def _page(kind: str, name: str, found: SimulationView | None, problem: ShoujiError | None) -> str:
    require_kind(kind)
    actor = current_actor()
    return render_template(
        "simulate.html",
        document=documents.get(actor, kind, name),
        found=found,
        error=problem.text if problem else None,
        error_field=forms.field_of(problem, FIELDS) if problem else None,
        spans=[(str(days), language.say(span(days))) for days in SPANS],
        days=request.form.get("days", str(simulate.WEEK)),
        unit=request.form.get("org_unit", "")[:1400],
        units=choices.units(actor),
        words=words,
        labels=labels,
        action=action,
        changes=CHANGES,
        **(_shown(kind, name, found) if found else {}),
    )


def _shown(kind: str, name: str, found: SimulationView) -> dict[str, Any]:
    """Rules with the words of their terms, and samples with their phones; new and gone ones first."""
    terms = keyword_terms.texts(name) if kind == "KeywordSet" else _terms_of_policy(name)
    order = (simulate.NEW, simulate.GONE, simulate.SAME)
    samples = sorted(found.samples, key=lambda one: order.index(one.change))[:SHOWN_SAMPLES]
    return {
        "rules": found.rules[:SHOWN_RULES],
        "tables": [
            (language.t("按组织", "By org unit"), found.by_unit[:SHOWN_NAMES]),
            (language.t("按使用人", "By holder"), found.by_person[:SHOWN_NAMES]),
        ],
        "samples": samples,
        "terms": terms,
        "phones": fleet.refs([one.device_id for one in samples]),
    }


def _terms_of_policy(name: str) -> dict[str, str]:
    rules = documents.spec(current_actor(), "Policy", name).get("keywords") or ()
    return {id: text for rule in rules for id, text in keyword_terms.texts(rule["set"]).items()}

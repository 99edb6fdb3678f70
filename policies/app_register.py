"""The register of permitted apps: what published policies permit, who reviewed it, and when that is due again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from core import clock
from core.actor import Actor, system_actor
from core.permissions import Permission
from core.text import Text
from identity import queries as people
from identity.org import ROOT_ID
from notify import notices
from notify.topics import Severity, register
from policies import world
from policies.rules.forms import DEFAULT_ZONE

DUE = register("app_review_due", Severity.WARNING, Text("应用的复核已到期", "The review of an app is due"))
_NOTES = ("filing", "version", "region", "reviewer", "reviewed", "review_due")


@dataclass(frozen=True, slots=True)
class PermittedApp:
    """An app that a published policy permits, with what its register says; `due` once `review_due` has come."""

    package: str
    policy: str
    policy_version: int
    due: bool
    filing: str | None = None
    version: str | None = None
    region: str | None = None
    reviewer: str | None = None
    reviewed: str | None = None
    review_due: str | None = None
    missing: list[str] = field(default_factory=list)


def find(actor: Actor, *, due: bool = False, today: date | None = None) -> list[PermittedApp]:
    """All permitted apps by package and policy; with `due` those alone whose review is. `missing`: notes left out."""
    actor.require(Permission.DOCUMENT_READ)
    day = (today or clock.now().astimezone(ZoneInfo(DEFAULT_ZONE)).date()).isoformat()
    found = sorted(_permitted(day), key=lambda app: (app.package, app.policy))
    return [app for app in found if app.due or not due]


def remind(today: date | None = None) -> int:
    """Tell those who may publish policies, once for each policy, which reviews are due. Returns how many are."""
    due = find(system_actor("policies"), due=True, today=today)
    readers = people.holders_of([Permission.DOCUMENT_PUBLISH], ROOT_ID) if due else []
    for policy in sorted({app.policy for app in due}):
        names = [app.package for app in due if app.policy == policy]
        shown = ", ".join(names[:5])
        text = Text(
            f"策略“{policy}”中 {len(names)} 个应用的复核已到期：{shown}。",
            f"In the policy “{policy}” the review of {len(names)} apps is due: {shown}.",
        )
        notices.send(readers, DUE, text, ("document", f"Policy/{policy}"), ROOT_ID)
    return len(due)


def _permitted(day: str) -> Iterator[PermittedApp]:
    for (kind, name), document in world.current().documents.items():
        apps: dict[str, Any] = document.spec.get("apps") or {} if kind == "Policy" else {}
        for package in apps.get("packages", ()) if apps.get("mode") == "allow" else ():
            notes = {note: package.get(note) for note in _NOTES}
            yield PermittedApp(
                package=package["name"],
                policy=name,
                policy_version=document.version,
                due=notes["review_due"] is not None and notes["review_due"] <= day,
                missing=[note for note, value in notes.items() if value is None],
                **notes,
            )

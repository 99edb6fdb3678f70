"""The register of permitted apps: what published policies permit, who reviewed it, and when that is due again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from core import clock
from core.actor import Actor, system_actor
from core.errors import Conflict, NotFound
from core.paging import MAX_LIMIT
from core.permissions import Permission
from core.text import Text
from core.views import View
from identity import queries as people
from identity.org import ROOT_ID
from notify import notices
from notify.topics import Severity, register
from policies import apply, documents, world
from policies.language.parse import typed
from policies.rules.forms import DEFAULT_ZONE
from policies.views import DocumentView

DUE = register("app_review_due", Severity.WARNING, Text("应用的复核已到期", "The review of an app is due"))
POLICY = "Policy"
NOTES = ("filing", "version", "region", "reviewer", "reviewed", "review_due")


class PermittedApp(View):
    """An app that a published policy permits, with what its register says; `due` once `review_due` has come.

    `missing` names what the register leaves out.
    """

    package: str
    policy: str
    policy_version: int
    due: bool
    filing: str | None
    version: str | None
    region: str | None
    reviewer: str | None
    reviewed: str | None
    review_due: str | None
    missing: list[str]


def find(actor: Actor, *, due: bool = False, today: date | None = None) -> list[PermittedApp]:
    """All permitted apps by package and policy; with `due` those alone whose review is. `missing`: notes left out."""
    actor.require(Permission.DOCUMENT_READ)
    day = (today or local_day()).isoformat()
    found = sorted(_permitted(day), key=lambda app: (app.package, app.policy))
    return [app for app in found if app.due or not due]


def local_day() -> date:
    """Today where reviews are due."""
    return clock.now().astimezone(ZoneInfo(DEFAULT_ZONE)).date()


def draft(actor: Actor, policy: str, package: str | None) -> tuple[DocumentView, dict[str, Any]]:
    """A policy as it is stored, and what its register says of an app (nothing of one that is not in it yet).

    Raises NotFound, Conflict for a policy that permits no apps by a list.
    """
    document = documents.get(actor, POLICY, policy)
    apps: dict[str, Any] = document.document["spec"].get("apps") or {}
    if apps.get("mode") != "allow":
        raise Conflict(
            "no_allow_list",
            Text(
                f"策略“{policy}”没有允许清单（apps.mode: allow），请先在编辑器中添加。",
                f"The policy “{policy}” has no list of permitted apps (apps.mode: allow). Add one in the editor.",
            ),
        )
    entry = next((dict(one) for one in apps["packages"] if one["name"] == package), None)
    if package is not None and entry is None:
        raise NotFound("no_such_app", Text("该策略的草稿中没有这个应用。", "The draft has no such app."))
    return document, entry or {}


def note(
    actor: Actor,
    policy: str,
    package: str,
    notes: Mapping[str, str],
    *,
    new: bool,
    revision: int | None,
    reason: str = "",
    take_over: bool = False,
) -> None:
    """Store what the register says of an app (`NOTES`, empty ones left out) in the policy's draft; `new` adds the app.

    Phones get it once the policy is published. Raises NotFound, Conflict for a stale revision, a policy kept in files
    or an app that is there already, Refused for notes that cannot be.
    """
    document, _ = draft(actor, policy, None if new else package)
    plain = document.document
    packages: list[dict[str, Any]] = plain["spec"]["apps"]["packages"]
    if new and any(one["name"] == package for one in packages):
        raise Conflict("app_twice", Text("该应用已在允许清单中。", "The app is in the list already."))
    entry = {"name": package, **{name: notes[name] for name in NOTES if notes.get(name)}}
    changed = [*packages, entry] if new else [entry if one["name"] == package else one for one in packages]
    metadata = {**plain["metadata"], **({"revision": revision} if revision else {})}
    spec = {**plain["spec"], "apps": {**plain["spec"]["apps"], "packages": changed}}
    made = typed({**plain, "metadata": metadata, "spec": spec})
    apply.apply_parsed(actor, [made], reason=reason, managed_by="console", take_over=take_over)


def policies_with_lists(actor: Actor) -> list[str]:
    """Names of the policies whose drafts permit apps by a list."""
    found = documents.find(actor, POLICY, None, MAX_LIMIT).items
    return [one.name for one in found if (one.document["spec"].get("apps") or {}).get("mode") == "allow"]


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
    for (_, name), document in world.published(POLICY).items():
        apps: dict[str, Any] = document.spec.get("apps") or {}
        for package in apps.get("packages", ()) if apps.get("mode") == "allow" else ():
            notes = {note: package.get(note) for note in NOTES}
            yield PermittedApp(
                package=package["name"],
                policy=name,
                policy_version=document.version,
                due=notes["review_due"] is not None and notes["review_due"] <= day,
                missing=[note for note, value in notes.items() if value is None],
                **notes,
            )

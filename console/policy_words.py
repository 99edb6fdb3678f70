"""How documents are shown: where they stand, what a change does, and what a new one begins with."""

from __future__ import annotations

from typing import Any

from console import labels, language, words
from console.device_view import Label
from core.actor import Actor
from core.db import json_text
from core.permissions import Permission
from fleet import devices
from policies import second_person
from policies.apply import Outcome
from policies.language.diff import FieldChange
from policies.language.kinds import PUBLISHED_KINDS
from policies.views import DocumentView

LONGEST_VALUE = 2000

NEW = {
    "Policy": """apiVersion: shouji/v1
kind: Policy
metadata:
  name: new-policy
  title: 新策略
spec:
  device:
    heartbeat_seconds: 60
    require: [encryption, passcode]
""",
    "KeywordSet": """apiVersion: shouji/v1
kind: KeywordSet
metadata:
  name: new-words
  title: 新词库
spec:
  terms:
    - 加急费
    - {term: 服务费, except: [合同约定的服务费]}
  tests: {hit: [先交加急费], pass: [合同约定的服务费见附件]}
""",
    "Calendar": """apiVersion: shouji/v1
kind: Calendar
metadata:
  name: new-calendar
  title: 新日历
spec:
  days:
    - {date: 2026-10-01, kind: holiday, name: 国庆节}
""",
    "Group": """apiVersion: shouji/v1
kind: Group
metadata:
  name: new-group
  title: 新分组
spec:
  query: os_version < 14
""",
    "Assignment": """apiVersion: shouji/v1
kind: Assignment
metadata:
  name: new-assignment
  title: 新分配
spec:
  policy: new-policy
  to: {org_unit: /}
""",
}


def standing(document: DocumentView) -> Label:
    """Where a document stands: in force, with a draft, or not published yet."""
    if document.draft:
        return words.NEVER if document.version is None else words.DRAFT
    return words.IN_FORCE


def about(document: DocumentView) -> str:
    """A few words on what a document holds."""
    spec = document.document["spec"]
    if document.kind == "Policy":
        return language.t("、", ", ").join(
            language.say(labels.FAMILIES.get(name) or labels.plain(name)) for name in spec
        )
    if document.kind == "KeywordSet":
        count = len(spec["terms"])
        return language.t(f"{count} 个词条", f"{count} term{'' if count == 1 else 's'}")
    if document.kind == "Calendar":
        count = len(spec["days"])
        return language.t(f"{count} 天", f"{count} day{'' if count == 1 else 's'}")
    if document.kind == "Assignment":
        return f"{spec['policy']} → {target(spec['to'])}"
    return str(spec.get("query") or language.t("指定设备", "listed phones"))


def target(to: dict[str, str]) -> str:
    """Whom an assignment reaches."""
    if "org_unit" in to:
        return language.t(f"组织 {to['org_unit']}", f"unit {to['org_unit']}")
    if "group" in to:
        return language.t(f"分组 {to['group']}", f"group {to['group']}")
    return language.t(f"设备 {to['device'][:8]}", f"phone {to['device'][:8]}")


def is_published_kind(kind: str) -> bool:
    """Whether documents of the kind are drafts until they are published; the others take effect at once."""
    return kind in PUBLISHED_KINDS


def value(one: Any) -> str:
    """A value of a document as text, cut where it is very long; empty for none."""
    if one is None:
        return ""
    text = one if isinstance(one, str) else json_text(one)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def fields(changes: list[FieldChange]) -> list[dict[str, str | None]]:
    """Changed members with their values as text; None where there was or will be nothing."""
    return [
        {
            "path": change.path,
            "old": None if change.old is None else value(change.old),
            "new": None if change.new is None else value(change.new),
        }
        for change in changes
    ]


def outcome(actor: Actor, found: Outcome) -> dict[str, Any]:
    """What a change does, for the templates; `phones` are those of the first touched ones that the actor sees."""
    changes = [
        {"kind": change.kind, "name": change.name, "action": change.action, "fields": fields(change.fields)}
        for change in found.changes
    ]
    seen = found.review
    phones = devices.views(actor, seen.first) if seen.first and actor.may(Permission.DEVICE_READ) else []
    return {
        "changes": changes,
        "devices": seen.devices,
        "looser": seen.looser,
        "tighter": seen.tighter,
        "phones": phones,
        "waits": second_person.wanted(seen),
    }

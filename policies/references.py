"""Names in documents that must exist: sets, calendars, policies, org units, groups, devices."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from core.actor import Actor
from core.errors import Invalid, NotFound
from core.text import Text
from fleet import queries as fleet
from policies import assignments
from policies.drafts import Key
from policies.language.group_query import read_query
from policies.language.kinds import Assignment, Group
from policies.language.parse import Parsed
from policies.language.problems import Location, Problem, Refused
from policies.world import Assigned

_TITLES = {
    "KeywordSet": Text("敏感词库", "keyword set"),
    "Calendar": Text("日历", "calendar"),
    "Policy": Text("策略", "policy"),
    "Group": Text("分组", "group"),
}


def check(actor: Actor, parsed: Sequence[Parsed], after: Mapping[Key, Mapping[str, Any]]) -> dict[str, Assigned]:
    """Resolved assignments by name. Raises Refused with every name that is not there and every circle of groups.

    `after` are the specs by kind and name that exist once the request is carried out.
    """
    problems = [problem for document in parsed for problem in _unknown(document, after)]
    problems += _circles(parsed, after)
    resolved: dict[str, Assigned] = {}
    for document in parsed:
        problems += _groups(actor, document)
        if isinstance(document.model, Assignment):
            try:
                resolved[document.name] = assignments.resolve(actor, document.name, document.model.spec)
            except (Invalid, NotFound) as error:
                problems.append(document.problem(("spec", "to"), error.code, error.text))
    if problems:
        raise Refused(problems)
    return resolved


def check_published(spec: Mapping[str, Any], policy: str, published: Collection[Key]) -> None:
    """Raise Invalid when a policy is to be published before a set or calendar that it names."""
    for location, kind, name in named(spec):
        if (kind, name) not in published:
            title = _TITLES[kind]
            raise Invalid(
                "not_published",
                Text(
                    f"策略“{policy}”引用的{title.zh}“{name}”尚未发布，请一并发布。",
                    f"The policy “{policy}” names the {title.en} “{name}”, which is not published. Publish both.",
                ),
                path=".".join(str(part) for part in location),
                document={"kind": kind, "name": name},
            )


def check_unused(gone: Collection[Key], remaining: Mapping[Key, Mapping[str, Any]]) -> None:
    """Raise Invalid when a document that is to be deleted is still named by one that stays."""
    for (kind, name), spec in remaining.items():
        for _, wanted, target in names(kind, spec):
            if (wanted, target) in gone:
                raise Invalid(
                    "still_used",
                    Text(
                        f"{wanted}“{target}”仍被 {kind}“{name}”引用，不能删除。",
                        f"{wanted} “{target}” is still named by {kind} “{name}”, so it is not deleted.",
                    ),
                )


def named(spec: Mapping[str, Any]) -> Iterator[tuple[Location, str, str]]:
    """Sets and calendars that a policy's spec names, with their places."""
    for index, rule in enumerate(spec.get("keywords") or ()):
        yield ("spec", "keywords", index, "set"), "KeywordSet", rule["set"]
    calendar = (spec.get("work_hours") or {}).get("calendar")
    if calendar:
        yield ("spec", "work_hours", "calendar"), "Calendar", calendar


def names(kind: str, spec: Mapping[str, Any]) -> Iterator[tuple[Location, str, str]]:
    """All documents that a document names, with their places."""
    if kind == "Policy":
        yield from named(spec)
    if kind == "Assignment":
        yield ("spec", "policy"), "Policy", spec["policy"]
        if "group" in spec["to"]:
            yield ("spec", "to", "group"), "Group", spec["to"]["group"]
    if kind == "Group" and spec.get("query"):
        for name in sorted(read_query(spec["query"]).groups):
            yield ("spec", "query"), "Group", name


def _unknown(document: Parsed, known: Collection[Key]) -> Iterator[Problem]:
    for location, kind, name in names(document.kind, document.data["spec"]):
        if (kind, name) not in known:
            title = _TITLES[kind]
            text = Text(f"没有名为“{name}”的{title.zh}。", f"There is no {title.en} named “{name}”.")
            yield document.problem(location, f"unknown_{title.en.replace(' ', '_')}", text)


def _circles(parsed: Sequence[Parsed], after: Mapping[Key, Mapping[str, Any]]) -> Iterator[Problem]:
    for document in parsed:
        circle = _circle(document.name, after) if document.kind == "Group" else None
        if circle:
            shown = " → ".join(circle)
            text = Text(f"分组循环引用：{shown}。", f"These groups ask about each other in a circle: {shown}.")
            yield document.problem(("spec", "query"), "group_circle", text)


def _circle(name: str, after: Mapping[Key, Mapping[str, Any]]) -> list[str] | None:
    """The way from a group back to itself, if there is one."""
    ways, seen = [[name]], set[str]()
    while ways:
        way = ways.pop()
        for _, _, other in names("Group", after.get(("Group", way[-1]), {})):
            if other == name:
                return [*way, other]
            if other not in seen:
                seen.add(other)
                ways.append([*way, other])
    return None


def _groups(actor: Actor, document: Parsed) -> Iterator[Problem]:
    if not isinstance(document.model, Group) or not document.model.spec.devices:
        return
    listed = document.model.spec.devices
    there = fleet.in_scope_of(actor, set(listed))
    for index, device_id in enumerate(listed):
        if device_id not in there:
            text = Text(f"没有这台设备：{device_id}。", f"There is no such phone: {device_id}.")
            yield document.problem(("spec", "devices", index), "unknown_device", text)

"""Many org units at once: what would become of each row, and taking them."""

from __future__ import annotations

from collections.abc import Sequence

from core.actor import ROOT_PATH, Actor
from core.errors import Invalid, ShoujiError
from core.permissions import Permission
from core.text import Text
from core.verdicts import CREATE, NOTHING_TO_DO, Verdict, refused
from identity import org, queries


class UnitJudge:
    """Judges paths in the order of a file: a unit of an earlier row counts as being there."""

    def __init__(self, actor: Actor) -> None:
        self._known = set(queries.units_in_sight(actor)) | ({ROOT_PATH} if actor.unit_path == ROOT_PATH else set())

    def judge(self, paths: Sequence[str]) -> list[Verdict]:
        """A verdict on each path of names; what is missing above a unit is made with it."""
        return [self._one(org.clean_path(path)) for path in paths]

    def _one(self, path: str) -> Verdict:
        if path in self._known:
            return NOTHING_TO_DO
        above, names = path, list[str]()
        while above not in self._known:
            if above == ROOT_PATH:
                return _elsewhere()
            above, _, name = above.rpartition("/")
            above = above or ROOT_PATH
            names.append(name)
        try:
            wrong = next((name for name in names if org.clean_name(name) != name), None)
        except Invalid as error:
            return refused("org_unit", error.code, error.text)
        if wrong is not None or path.count("/") > org.MAX_DEPTH:
            text = Text(f"组织层级最多 {org.MAX_DEPTH} 层。", f"The tree is at most {org.MAX_DEPTH} levels deep.")
            return refused("org_unit", "tree_too_deep", text)
        for name in reversed(names):
            above = f"{above.rstrip('/')}/{name}"
            self._known.add(above)
        return Verdict(CREATE)


def take(actor: Actor, paths: Sequence[str]) -> list[Verdict]:
    """Make the units that are missing, within the caller's unit of work; each row is judged anew."""
    actor.require(Permission.ORG_WRITE)
    org.ensure_root()
    verdicts = UnitJudge(actor).judge(paths)
    return [_make(actor, path, verdict) for path, verdict in zip(paths, verdicts, strict=True)]


def _make(actor: Actor, path: str, verdict: Verdict) -> Verdict:
    if verdict.outcome != CREATE:
        return verdict
    try:
        org.create_path(actor, path)
    except ShoujiError as error:
        return refused("org_unit", error.code, error.text)
    return verdict


def _elsewhere() -> Verdict:
    return refused(
        "org_unit",
        "unit_elsewhere",
        Text(
            "该组织不在您的管理范围内。请填写以您所在组织开头的完整路径。",
            "This unit is not in your part of the tree. Give a path that begins with your own unit's.",
        ),
    )

"""The register of permitted, or of forbidden, apps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from policies.engine.forms import Wire, words
from policies.engine.registry import Known, register
from policies.engine.situation import AppLaunch, Situation
from policies.engine.verdict import Because


class Package(Wire):
    """One app of the register."""

    name: str
    filing: str | None = None
    version: str | None = None
    reviewed: str | None = None
    reviewer: str | None = None


class Apps(Wire):
    """`allow`: only these may run; `deny`: these may not."""

    mode: Literal["allow", "deny"]
    packages: list[Package]


def judge(rule: Apps, situation: Situation, _known: Known) -> Iterator[Because]:
    """An app that is not permitted does not start."""
    if not isinstance(situation, AppLaunch):
        return
    listed = any(package.name == situation.package for package in rule.packages)
    if listed != (rule.mode == "allow"):
        text = words("此应用不在允许范围内。", "This app is not permitted.")
        yield Because(rule=f"apps/{rule.mode}", action="block", text=text)


register("apps", Apps, judge)

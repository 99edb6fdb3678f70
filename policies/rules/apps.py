"""The register of permitted apps, and of forbidden ones.

Only what every allow-list allows; deny wins over allow.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from core.text import Text
from policies.rules.algebra import Allowed, Each, Members, Value, Wording
from policies.rules.forms import Day, Spec, fault
from policies.rules.registry import Family, register

PackageName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)+$", max_length=200)]
_SHIPPED = ("filing", "version", "reviewed", "reviewer")
Note = Annotated[str, Field(min_length=1, max_length=100)]


class Package(Spec):
    """One app: its package name, and what the register says of it.

    `region` is where it is licensed and `review_due` when it is looked at again; neither is shipped to phones.
    """

    name: PackageName
    filing: Note | None = None
    version: Note | None = None
    reviewed: Day | None = None
    reviewer: Note | None = None
    region: Note | None = None
    review_due: Day | None = None

    @model_validator(mode="after")
    def _later(self) -> Self:
        if self.reviewed and self.review_due and self.review_due <= self.reviewed:
            raise fault(
                "review_due",
                "review_due 应晚于 reviewed。",
                "review_due must be later than reviewed.",
            )
        return self


class Apps(Spec):
    """The member `apps` of a policy."""

    mode: Literal["allow", "deny"]
    packages: Annotated[list[Package], Field(max_length=2000)]

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [package.name for package in self.packages]
        if len(names) != len(set(names)):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise fault("app_twice", f"应用重复：{'、'.join(twice)}。", f"Named twice: {', '.join(twice)}.")
        return self


def _compile(spec: Apps, _policy: str) -> Value:
    listed = {package.name: package.plain() for package in spec.packages}
    details = {name: {k: v for k, v in entry.items() if k in _SHIPPED} for name, entry in sorted(listed.items())}
    return {spec.mode: details}


def _finish(merged: Value) -> Value:
    allowed, denied = merged.get("allow"), merged.get("deny", {})
    mode = "deny" if allowed is None else "allow"
    listed = denied if allowed is None else {name: allowed[name] for name in allowed if name not in denied}
    return {"mode": mode, "packages": [{"name": name, **listed[name]} for name in sorted(listed)]}


FAMILY = register(
    Family(
        name="apps",
        title=Text("应用清单", "Apps"),
        spec=Apps,
        compile=_compile,
        operator=Members({"allow": Allowed(), "deny": Each(Wording(counts=True))}),
        finish=_finish,
    )
)

"""Keyword sets in force: per set the severest action, in the union of directions.

Enforced and shadow rules are joined apart: a trial in the shadow never sharpens what is enforced, and where a
set is enforced as well, the phone gets the enforced rule. Shadow rules are judged on the server and never
shipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, get_args

from pydantic import ConfigDict, Field

from core.text import Text
from policies.engine.vocabulary import Severity
from policies.rules.algebra import Each, Members, Path, Trace, Value, Wording, ranked
from policies.rules.forms import KeywordSetName, Spec, actions
from policies.rules.registry import Family, register

_SIDES = {"out": {"out"}, "in": {"in"}, "both": {"in", "out"}}


class Directions:
    """Joins `in`, `out` and `both` as the sets that they are."""

    def join(self, a: Value, b: Value) -> Value:
        """`both` unless they are the same."""
        return a if a == b else "both"

    def traces(self, path: Path, merged: Value, given: Sequence[Value]) -> Iterator[Trace]:
        """Every policy has its part in it."""
        yield Trace(path, merged, tuple(i for i, value in enumerate(given) if value is not None))

    def loosened(self, path: Path, old: Value, new: Value) -> Iterator[Path]:
        """Looser when a direction is gone."""
        if new is None or not _SIDES[old] <= _SIDES[new]:
            yield path


class Say(Spec):
    """What the holder is told, in both languages."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, serialize_by_alias=True)

    zh: Annotated[str, Field(alias="zh-CN", min_length=1, max_length=200)]
    en: Annotated[str, Field(min_length=1, max_length=200)]


class KeywordRule(Spec):
    """One entry of the member `keywords` of a policy."""

    set: KeywordSetName
    action: Literal["alert", "warn", "block"]
    severity: Severity = "warning"
    direction: Literal["in", "out", "both"] = "both"
    mode: Literal["enforced", "shadow"] = "enforced"
    say: Say | None = None


_RULE = Members(
    {
        "action": actions(),
        "severity": ranked(*get_args(Severity)),
        "direction": Directions(),
        "say": Wording(),
    }
)


class Trials(Each):
    """Rules in the shadow act on nobody: to end one loosens nothing."""

    def loosened(self, path: Path, old: Value, new: Value) -> Iterator[Path]:
        """Never."""
        return iter(())


_OPERATOR = Members({"enforced": Each(_RULE), "shadow": Trials(_RULE)})


def _compile(spec: list[KeywordRule], _policy: str) -> Value:
    fragment: dict[str, dict[str, Value]] = {}
    for rule in spec:
        entry = {name: value for name, value in rule.plain().items() if name not in ("set", "mode")}
        fragment = _OPERATOR.join(fragment, {rule.mode: {rule.set: entry}})
    return fragment


def _finish(merged: Value) -> Value:
    enforced = merged.get("enforced", {})
    return [{"set": name, **enforced[name]} for name in sorted(enforced)] or None


FAMILY = register(
    Family(
        name="keywords",
        title=Text("敏感词", "Keywords"),
        spec=list[KeywordRule],
        compile=_compile,
        operator=_OPERATOR,
        finish=_finish,
    )
)

"""The ladder.

What follows when a phone stays out of order. The most severe step reached wins; a wipe is never one.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Literal, get_args

from core.text import Text
from policies.engine.vocabulary import FindingCode, Step
from policies.rules.algebra import Each, Value, least
from policies.rules.forms import Duration, Spec
from policies.rules.registry import Family, register

ANY = "any"
STEPS: tuple[str, ...] = get_args(Step)


class Rung(Spec):
    """One step: after a finding has stood for so long, do this."""

    when: Literal["any"] | list[FindingCode]
    after: Duration
    do: Step


def _compile(spec: list[Rung], _policy: str) -> Value:
    fragment: dict[str, dict[str, int]] = {}
    for rung in spec:
        codes = [ANY] if rung.when == ANY else list(rung.when)
        for code in codes:
            fragment = _OPERATOR.join(fragment, {code: {rung.do: rung.after}})
    return fragment


def _finish(merged: Value) -> Value:
    rungs: dict[tuple[int, str, bool], list[str]] = defaultdict(list)
    for code, steps in merged.items():
        for step, after in steps.items():
            rungs[(after, step, code != ANY)].append(code)
    ordered = sorted(rungs, key=lambda rung: (rung[0], STEPS.index(rung[1]), rung[2]))
    return [
        {"when": sorted(rungs[rung]) if rung[2] else ANY, "after": rung[0], "do": rung[1]} for rung in ordered
    ] or None


_OPERATOR = Each(Each(least()))

FAMILY = register(
    Family(
        name="compliance",
        title=Text("合规阶梯", "Compliance ladder"),
        spec=list[Rung],
        compile=_compile,
        operator=_OPERATOR,
        finish=_finish,
    )
)

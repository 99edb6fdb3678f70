"""No-delete and its kin: refused on the phone, and reported."""

from __future__ import annotations

from collections.abc import Iterator

from policies.engine.forms import Wire, words
from policies.engine.registry import Known, register
from policies.engine.situation import ProtectedAct, Situation
from policies.engine.verdict import Because
from policies.engine.vocabulary import ProtectedAction


class Protection(Wire):
    """The acts that are refused."""

    deny: list[ProtectedAction] | None = None


def judge(rule: Protection, situation: Situation, _known: Known) -> Iterator[Because]:
    """An act that is denied is blocked."""
    if isinstance(situation, ProtectedAct) and situation.act in (rule.deny or ()):
        text = words("策略禁止此操作，已记录。", "The policy forbids this; it has been recorded.")
        yield Because(rule=f"protection/{situation.act}", action="block", text=text)


register("protection", Protection, judge)

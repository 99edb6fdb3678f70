"""Hidden numbers: may this person dial, may a number be revealed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from policies.engine.forms import Wire, words
from policies.engine.registry import Known, register
from policies.engine.situation import Call, ProtectedAct, Situation
from policies.engine.verdict import Because
from policies.engine.vocabulary import HiddenChannel

REVEAL = "reveal_number"


class Numbers(Wire):
    """What is masked and how, and who may dial."""

    hide: list[HiddenChannel] | None = None
    mask: dict[HiddenChannel, Annotated[str, Field(pattern=r"^(alias|\d{1,2}\+\d{1,2})$")]] | None = None
    dial: Literal["allow", "warn", "approval", "block"] | None = None
    incoming: Literal["show", "hide"] | None = None
    delivery: Literal["book", "ticket"] | None = None
    reveal: Literal["approval", "never"] | None = None


def judge(rule: Numbers, situation: Situation, _known: Known) -> Iterator[Because]:
    """Outgoing calls by `dial`, a wish to see a number by `reveal`."""
    if isinstance(situation, Call) and situation.direction == "out" and rule.dial not in (None, "allow"):
        text = words("策略限制由工作手机拨号。", "The policy limits dialling from this phone.")
        yield Because(rule="numbers/dial", action=rule.dial, text=text)
    if isinstance(situation, ProtectedAct) and situation.act == REVEAL and rule.reveal:
        if rule.reveal == "never":
            text = words("号码不向任何人显示。", "The number is shown to nobody.")
            yield Because(rule="numbers/reveal", action="block", text=text)
        else:
            text = words("查看号码需要审批。", "Seeing the number needs an approval.")
            yield Because(rule="numbers/reveal", action="approval", text=text)


register("numbers", Numbers, judge)

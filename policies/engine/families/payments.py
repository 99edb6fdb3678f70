"""Red packets, transfers and collection codes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from policies.engine.forms import Wire, words
from policies.engine.registry import Known, register
from policies.engine.situation import Payment, Situation
from policies.engine.verdict import Because

PaymentAction = Literal["allow", "alert", "warn", "approval", "block"]


class Payments(Wire):
    """What follows for each form of payment."""

    red_packet: PaymentAction | None = None
    transfer: PaymentAction | None = None
    collection_code: PaymentAction | None = None


def judge(rule: Payments, situation: Situation, _known: Known) -> Iterator[Because]:
    """The action of the payment's form."""
    if not isinstance(situation, Payment):
        return
    action: PaymentAction | None = getattr(rule, situation.form)
    if action is not None and action != "allow":
        text = words("策略限制在聊天中收付款。", "The policy limits payments inside a chat.")
        yield Because(rule=f"payments/{situation.form}", action=action, text=text)


register("payments", Payments, judge)

"""Red packets, transfers and collection codes."""

from __future__ import annotations

from typing import Literal

from core.text import Text
from policies.rules.algebra import Each, Value
from policies.rules.forms import Spec, actions
from policies.rules.registry import Family, register

PaymentAction = Literal["allow", "alert", "warn", "approval", "block"]


class Payments(Spec):
    """The member `payments` of a policy."""

    red_packet: PaymentAction | None = None
    transfer: PaymentAction | None = None
    collection_code: PaymentAction | None = None


def _compile(spec: Payments, _policy: str) -> Value:
    return spec.plain()


FAMILY = register(
    Family(
        name="payments",
        title=Text("红包与转账", "Payments"),
        spec=Payments,
        compile=_compile,
        operator=Each(actions()),
    )
)

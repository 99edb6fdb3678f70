"""Hidden numbers: what is masked and how, who may dial, whether a number may be revealed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator

from core.text import Text
from policies.engine.vocabulary import HiddenChannel
from policies.rules.algebra import Each, Members, Path, Trace, Union, Value, ranked, silent
from policies.rules.forms import SetOfWords, Spec, actions, fault
from policies.rules.registry import Family, register

ALIAS = "alias"
_SHOWN = re.compile(r"([0-9]|1[0-9])\+([0-9]|1[0-9])")


class Mask:
    """Joins masks to one that shows no more than any.

    `alias` shows nothing, `3+4` the first 3 and the last 4.
    """

    def join(self, a: Value, b: Value) -> Value:
        """The fewer characters at each end."""
        if ALIAS in (a, b):
            return ALIAS
        (a_first, a_last), (b_first, b_last) = _shown(a), _shown(b)
        return f"{min(a_first, b_first)}+{min(a_last, b_last)}"

    def traces(self, path: Path, merged: Value, given: Sequence[Value]) -> Iterator[Trace]:
        """The policies that ask for this mask, or all that have one when it was put together from several."""
        same = tuple(i for i, value in enumerate(given) if value == merged)
        yield Trace(path, merged, same or silent(given))

    def loosened(self, path: Path, old: Value, new: Value) -> Iterator[Path]:
        """Looser when it shows more at either end."""
        if new is None or self.join(old, new) != new:
            yield path


def _shown(mask: str) -> tuple[int, int]:
    first, last = mask.split("+")
    return int(first), int(last)


def _mask(value: str) -> str:
    if value == ALIAS:
        return value
    found = _SHOWN.fullmatch(value)
    if found is None:
        raise fault(
            "mask",
            "掩码写成“前几位+后几位”（例如“3+4”）或 alias（化名）。",
            'Write a mask as shown characters, first and last ("3+4"), or alias.',
        )
    return f"{int(found[1])}+{int(found[2])}"


class Numbers(Spec):
    """The member `numbers` of a policy."""

    hide: Annotated[list[HiddenChannel], SetOfWords] | None = None
    mask: dict[HiddenChannel, Annotated[str, AfterValidator(_mask)]] | None = None
    dial: Literal["allow", "warn", "approval", "block"] | None = None
    incoming: Literal["show", "hide"] | None = None
    delivery: Literal["book", "ticket"] | None = None
    reveal: Literal["approval", "never"] | None = None


def _compile(spec: Numbers, _policy: str) -> Value:
    return spec.plain()


FAMILY = register(
    Family(
        name="numbers",
        title=Text("隐藏号码", "Hidden numbers"),
        spec=Numbers,
        compile=_compile,
        operator=Members(
            {
                "hide": Union(),
                "mask": Each(Mask()),
                "dial": actions(),
                "incoming": ranked("show", "hide"),
                "delivery": ranked("book", "ticket"),
                "reveal": ranked("approval", "never"),
            }
        ),
    )
)

"""No-delete and its kin: what the phone refuses and reports."""

from __future__ import annotations

from typing import Annotated

from core.text import Text
from policies.engine.vocabulary import ProtectedAction
from policies.rules.algebra import Members, Union, Value
from policies.rules.forms import SetOfWords, Spec
from policies.rules.registry import Family, register


class Protection(Spec):
    """The member `protection` of a policy."""

    deny: Annotated[list[ProtectedAction], SetOfWords] | None = None


def _compile(spec: Protection, _policy: str) -> Value:
    return spec.plain()


FAMILY = register(
    Family(
        name="protection",
        title=Text("防删除与防导出", "No deleting, no exporting"),
        spec=Protection,
        compile=_compile,
        operator=Members({"deny": Union()}),
    )
)

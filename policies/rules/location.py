"""Location.

Off, or during working hours; the holder's side wins, so off over hours, and the rarer over the frequent.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from core.text import Text
from policies.rules.algebra import Members, Value, most, ranked
from policies.rules.forms import Spec
from policies.rules.registry import Family, register


class Location(Spec):
    """The member `location` of a policy."""

    mode: Literal["hours", "off"]
    every_minutes: Annotated[int, Field(ge=1, le=1440)] | None = None


def _compile(spec: Location, _policy: str) -> Value:
    return spec.plain()


FAMILY = register(
    Family(
        name="location",
        title=Text("定位", "Location"),
        spec=Location,
        compile=_compile,
        operator=Members({"mode": ranked("hours", "off"), "every_minutes": most()}),
    )
)

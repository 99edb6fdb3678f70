"""The phone itself: posture that is required or forbidden, restrictions, how long it may be silent."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from core.text import Text
from policies.engine.versions import version_key
from policies.engine.vocabulary import Forbidden, Required, Restriction
from policies.rules.algebra import Each, Members, Strictest, Union, Value, least
from policies.rules.forms import SetOfWords, Spec
from policies.rules.registry import Family, register

Version = Annotated[str, Field(pattern=r"^\d{1,4}(\.\d{1,6}){0,3}$")]


class Device(Spec):
    """The member `device` of a policy."""

    heartbeat_seconds: Annotated[int, Field(ge=10, le=3600)] | None = None
    minimum_os: dict[Literal["android", "harmonyos"], Version] | None = None
    maximum_patch_age_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    require: Annotated[list[Required], SetOfWords] | None = None
    forbid: Annotated[list[Forbidden], SetOfWords] | None = None
    restrictions: Annotated[list[Restriction], SetOfWords] | None = None
    maximum_offline_hours: Annotated[int, Field(ge=1, le=8760)] | None = None


def _compile(spec: Device, _policy: str) -> Value:
    return spec.plain()


FAMILY = register(
    Family(
        name="device",
        title=Text("设备要求", "Device"),
        spec=Device,
        compile=_compile,
        operator=Members(
            {
                "heartbeat_seconds": least(),
                "minimum_os": Each(Strictest(version_key)),
                "maximum_patch_age_days": least(),
                "require": Union(),
                "forbid": Union(),
                "restrictions": Union(),
                "maximum_offline_hours": least(),
            }
        ),
    )
)

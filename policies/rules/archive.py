"""What is archived: channels, media, recording, and for how long."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from core.text import Text
from policies.engine.vocabulary import ArchivedChannel, MediaKind
from policies.rules.algebra import Members, Union, Value, least, most, ranked
from policies.rules.forms import SetOfWords, Spec
from policies.rules.registry import Family, register


class Media(Spec):
    """Which media are archived, and over which network."""

    kinds: Annotated[list[MediaKind], SetOfWords] | None = None
    wifi_only: bool | None = None
    maximum_mb: Annotated[int, Field(ge=1, le=4096)] | None = None


class Archive(Spec):
    """The member `archive` of a policy."""

    channels: Annotated[list[ArchivedChannel], SetOfWords] | None = None
    media: Media | None = None
    recording: Literal["off", "optional", "required"] | None = None
    retention_days: Annotated[int, Field(ge=1, le=36_500)] | None = None


def _compile(spec: Archive, _policy: str) -> Value:
    return spec.plain()


FAMILY = register(
    Family(
        name="archive",
        title=Text("通讯留存", "Archive"),
        spec=Archive,
        compile=_compile,
        operator=Members(
            {
                "channels": Union(),
                "media": Members({"kinds": Union(), "wifi_only": most(), "maximum_mb": least()}),
                "recording": ranked("off", "optional", "required"),
                "retention_days": most(),
            }
        ),
    )
)

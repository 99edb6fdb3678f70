"""Forms that the wire models of all families share."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

SECONDS_OF_DAY = 86_400


class Wire(BaseModel):
    """A member of a bundle: typed strictly; an unknown member makes the family unsupported."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError("unknown time zone") from error
    return name


Zone = Annotated[str, AfterValidator(_zone)]
Second = Annotated[int, Field(ge=0, le=SECONDS_OF_DAY)]
Window = Annotated[list[Second], Field(min_length=2, max_length=2)]


class Words(Wire):
    """A text for people in both languages."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, serialize_by_alias=True, validate_by_name=True)

    zh: Annotated[str, Field(alias="zh-CN")]
    en: str


def words(zh: str, en: str) -> Words:
    """A pair of texts."""
    return Words(zh=zh, en=en)

"""Types that requests and answers of every room share."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from core import clock
from core.limits import MAX_ID
from core.paging import DEFAULT_LIMIT, MAX_LIMIT

Instant = Annotated[AwareDatetime, AfterValidator(clock.to_utc)]
"""A time that comes in with whatever zone: UTC from here on."""


class Body(BaseModel):
    """A request body: an unknown member is an error, so that a misspelt one is not silently dropped."""

    model_config = ConfigDict(extra="forbid")


class PageQuery(BaseModel):
    """Which page of a list."""

    cursor: str | None = Field(None, max_length=500)
    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)


class IdPath(BaseModel):
    """The id in an address."""

    id: str = Field(max_length=MAX_ID)

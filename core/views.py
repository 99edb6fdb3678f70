"""What rooms show of their rows: one model each, for services, pages and the API alike."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema

from core import clock

Moment = Annotated[
    datetime,
    PlainSerializer(clock.to_wire, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A time: aware UTC in Python, RFC 3339 in JSON."""


class View(BaseModel):
    """Something that is shown; nobody changes it."""

    model_config = ConfigDict(frozen=True)

"""What rooms show of their rows: one model each, for services, pages and the API alike."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema

from core import clock
from core.text import LANGUAGES, Text

Moment = Annotated[
    datetime,
    PlainSerializer(clock.to_wire, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A time: aware UTC in Python, RFC 3339 in JSON."""

Bilingual = Annotated[
    Text,
    PlainSerializer(lambda text: dict(zip(LANGUAGES, (text.zh, text.en), strict=True)), when_used="json"),
    WithJsonSchema(
        {
            "type": "object",
            "properties": {language: {"type": "string"} for language in LANGUAGES},
            "required": list(LANGUAGES),
        }
    ),
]
"""A text in both languages: by language in JSON."""


class View(BaseModel):
    """Something that is shown; nobody changes it."""

    model_config = ConfigDict(frozen=True)

"""What rooms show of their rows: one model each, for services, pages and the API alike."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, SerializationInfo, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from core import clock
from core.text import DEFAULT_LANGUAGE, LANGUAGES, Text

T = TypeVar("T")
LANGUAGE = "language"
"""What a serialization context calls the reader's language."""

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

Inner = Annotated[T, Field(exclude=True), SkipJsonSchema()]
"""What services and pages need of a view and the API does not tell."""


def _spoken(text: Text, info: SerializationInfo) -> str:
    return text.pick((info.context or {}).get(LANGUAGE, DEFAULT_LANGUAGE))


Spoken = Annotated[Text, PlainSerializer(_spoken, when_used="json"), WithJsonSchema({"type": "string"})]
"""A text in both languages: in the reader's alone in JSON."""


class View(BaseModel):
    """Something that is shown; nobody changes it."""

    model_config = ConfigDict(frozen=True)

"""Answers of the API: models and pages as JSON."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from flask import Response, current_app, json
from pydantic import BaseModel

from core.http.problems import language
from core.paging import Page
from core.views import LANGUAGE, View

T = TypeVar("T")
V = TypeVar("V", bound=View)


def reply(body: BaseModel | dict[str, Any] | list[Any], status: int = 200) -> Response:
    """A JSON answer of a model or plain values."""
    text = body.model_dump_json(context=_reader()) if isinstance(body, BaseModel) else json.dumps(body)
    return current_app.response_class(text, status=status, mimetype="application/json")


class PageOut(BaseModel, Generic[T]):
    """A keyset page of one kind of items; `next_cursor` is null at the end."""

    items: list[T]
    next_cursor: str | None


def page_reply(page: Page[V]) -> Response:
    """A keyset page: `items` and `next_cursor`."""
    reader = _reader()
    items = [item.model_dump(mode="json", context=reader) for item in page.items]
    return reply({"items": items, "next_cursor": page.next_cursor})


def no_content() -> Response:
    """204."""
    return current_app.response_class(status=204)


def _reader() -> dict[str, str]:
    return {LANGUAGE: language()}

"""What a kind of channel is: what has to be filled in, how its target is shown, how one message is delivered."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from core import outbound
from core.errors import Invalid
from core.runtime import settings
from core.text import Text
from notify.topics import Topic

BRAND = Text("守机", "Shouji")
OPEN = Text("在守机中查看", "Open in Shouji")
"""It holds the keyword that a bot may ask for, for bots that look for it in the text and not in the title."""


class Fields(BaseModel):
    """What a person fills in for a channel; all of it is kept sealed and none of it is read back."""

    model_config = ConfigDict(extra="forbid")

    def target(self) -> str:
        """Where it leads, without anything secret."""
        raise TypeError(type(self).__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """One message, the same at each attempt. It names no person and no number: `url` leads to whoever may see more."""

    id: str
    topic: Topic
    text: Text
    about: tuple[str, str]
    at: datetime
    url: str
    language: str
    test: bool

    def said(self) -> str:
        """The text in the channel's language."""
        return self.text.pick(self.language)

    def headline(self) -> str:
        """The text after the product's name."""
        return f"【{BRAND.pick(self.language)}】{' '.join(self.said().split())}"


class DeliveryFailed(Exception):
    """It was not delivered. `code` is stable and holds nothing secret; `final`: trying again is pointless."""

    def __init__(self, code: str, *, final: bool = False, retry_after: int | None = None) -> None:
        super().__init__(code)
        self.code, self.final, self.retry_after = code[:60], final, retry_after


F = TypeVar("F", bound=Fields)


@dataclass(frozen=True, slots=True)
class ChannelKind(Generic[F]):
    """One kind. `made` fills in what the server makes itself; what it adds is told once, when the channel is made."""

    name: str
    title: Text
    fields: type[F]
    deliver: Callable[[F, Message], None]
    made: Callable[[dict[str, Any]], dict[str, Any]] | None = None


_kinds: dict[str, ChannelKind[Any]] = {}


def register(kind: ChannelKind[F]) -> ChannelKind[F]:
    """Add a kind."""
    _kinds[kind.name] = kind
    return kind


def kind_of(name: str) -> ChannelKind[Any]:
    """The kind of that name. Raises Invalid when there is none."""
    found = _kinds.get(name)
    if found is None:
        known = ", ".join(sorted(_kinds))
        raise Invalid(
            "unknown_channel_kind",
            Text(
                f"没有“{name[:20]}”类型的通道。可用：{known}", f"There is no channel “{name[:20]}”. There are: {known}"
            ),
        )
    return found


def all_kinds() -> list[ChannelKind[Any]]:
    """Every kind by name."""
    return [_kinds[name] for name in sorted(_kinds)]


def checked_url(url: str) -> str:
    """For validators: the address, when it may be called at all. Raises ValueError."""
    outbound.check_url(url, settings().outbound_allowed)
    return url


def host_of(url: str) -> str:
    """What is shown of an address: its path and query often are the secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/…"


class AddressFields(Fields):
    """Fields of a channel that calls an address."""

    url: Annotated[str, AfterValidator(checked_url)] = Field(min_length=1, max_length=2000)

    def target(self) -> str:
        """Scheme and host."""
        return host_of(self.url)


def call(url: str, body: Mapping[str, Any] | bytes, headers: Mapping[str, str] | None = None) -> outbound.Answer:
    """POST JSON once. Raises DeliveryFailed unless the answer is a success."""
    packed = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    sent = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
    try:
        answer = outbound.post(url, packed, sent, allowed=settings().outbound_allowed)
    except outbound.Unreachable as error:
        raise DeliveryFailed(error.code) from error
    if not 200 <= answer.status < 300:
        raise DeliveryFailed(f"http_{answer.status}", final=answer.status == 410, retry_after=answer.retry_after)
    return answer


def require_code_zero(answer: outbound.Answer, *names: str) -> None:
    """For bots, which say 200 to everything: the first of these members must be there and 0. Raises DeliveryFailed."""
    try:
        said = json.loads(answer.body)
    except ValueError:
        raise DeliveryFailed("answer_unreadable") from None
    found = next((said[name] for name in names if name in said), None) if isinstance(said, dict) else None
    if found is None:
        raise DeliveryFailed("answer_unreadable")
    if found != 0:
        raise DeliveryFailed(f"{names[0]}_{str(found)[:20]}")

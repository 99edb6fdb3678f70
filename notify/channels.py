"""Channels that administrators set up: who is told of what, where. What is typed in is sealed and never read back."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import SecretStr, ValidationError
from sqlalchemy import func, select

from core import audit, clock
from core.actor import Actor
from core.db import session
from core.errors import Conflict, Invalid, NotFound
from core.field_texts import field_text
from core.ids import new_id
from core.permissions import Permission
from core.runtime import runtime
from core.text import DEFAULT_LANGUAGE, Text
from notify import guards
from notify.channel_kinds import ChannelKind, DeliveryFailed, Fields, kind_of
from notify.models import Channel
from notify.topics import Severity, all_topics
from notify.views import ChannelView

MAX_CHANNELS = 100


_CONFIG = {
    "url": Text("地址", "Address"),
    "secret": Text("签名密钥", "Signing secret"),
    "to": Text("收件地址", "Addresses"),
}
"""What a person fills in, as the console calls it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Members of a channel that a request names; None leaves one as it is, or at its default in a new channel."""

    name: str | None = None
    org_unit: str | None = None
    language: str | None = None
    enabled: bool | None = None
    min_severity: str | None = None
    kinds: Collection[str] | None = None
    config: Mapping[str, Any] | None = None


def find(actor: Actor) -> list[ChannelView]:
    """The channels of the actor's part of the tree, by name."""
    actor.require(Permission.NOTIFICATION_READ)
    rows = list(session().scalars(select(Channel).order_by(Channel.name, Channel.id)))
    units = guards.units({row.unit_id for row in rows})
    return [_view(row, units) for row in rows if _sees(actor, row, units)]


def get(actor: Actor, channel_id: str) -> ChannelView:
    """One channel. Raises NotFound outside the actor's part."""
    actor.require(Permission.NOTIFICATION_READ)
    row = visible(actor, channel_id)
    return _view(row, guards.units([row.unit_id]))


def create(actor: Actor, kind_name: str, wanted: Wanted) -> tuple[ChannelView, dict[str, str]]:
    """Set a channel up; returns it, and what the server made for it, which is told only now.

    Raises Invalid for an unknown kind or topic, or for what does not fit the kind; Conflict for too many.
    """
    actor.require(Permission.NOTIFICATION_WRITE)
    if (session().scalar(select(func.count()).select_from(Channel)) or 0) >= MAX_CHANNELS:
        text = Text(f"最多 {MAX_CHANNELS} 个通知通道。", f"There are at most {MAX_CHANNELS} channels.")
        raise Conflict("too_many_channels", text)
    kind = kind_of(kind_name)
    given = dict(wanted.config or {})
    full = kind.made(given) if kind.made else given
    row = Channel(
        id=new_id(),
        kind=kind.name,
        name="",
        unit_id="",
        language=DEFAULT_LANGUAGE,
        enabled=True,
        min_severity=int(Severity.WARNING),
        kinds=[],
        created_at=clock.now(),
        created_by=actor.id,
        revision=1,
    )
    _apply(actor, row, wanted, default_unit="/")
    _seal(row, kind, full)
    session().add(row)
    session().flush()
    audit.record(actor, "channel.create", ("channel", row.id), _audited(row))
    made = {name: str(value) for name, value in full.items() if name not in given}
    return _view(row, guards.units([row.unit_id])), made


def change(actor: Actor, channel_id: str, wanted: Wanted, revision: int | None = None) -> ChannelView:
    """Change members; those of `config` that are left out stay. Raises as `create`, Conflict for a stale revision."""
    actor.require(Permission.NOTIFICATION_WRITE)
    row = visible(actor, channel_id, lock=True)
    if revision is not None and revision != row.revision:
        raise Conflict(
            "stale_revision",
            Text("已被他人修改，请刷新后重试。", "Somebody else has changed it. Load it again."),
            revision=row.revision,
        )
    _apply(actor, row, wanted)
    if wanted.config:
        before = _opened(row)
        _seal(row, kind_of(row.kind), {**before, **wanted.config})
    row.revision += 1
    session().flush()
    audit.record(actor, "channel.change", ("channel", row.id), _audited(row) | {"config": sorted(wanted.config or {})})
    return _view(row, guards.units([row.unit_id]))


def delete(actor: Actor, channel_id: str) -> None:
    """Remove a channel with its deliveries; what is on its way is not sent any more."""
    actor.require(Permission.NOTIFICATION_WRITE)
    row = visible(actor, channel_id, lock=True)
    audit.record(actor, "channel.delete", ("channel", row.id), _audited(row))
    session().delete(row)
    session().flush()


def visible(actor: Actor, channel_id: str, *, lock: bool = False) -> Channel:
    """The channel's row, for this room's services. Raises NotFound."""
    query = select(Channel).where(Channel.id == channel_id)
    query = query.with_for_update().execution_options(populate_existing=True) if lock else query
    row = session().scalars(query).one_or_none()
    if row is None or not _sees(actor, row, guards.units([row.unit_id])):
        raise NotFound("no_such_channel", Text("没有这个通知通道。", "There is no such channel."))
    return row


def open_fields(row: Channel) -> Fields:
    """What was typed in, for a delivery. Raises DeliveryFailed when it is not allowed any more."""
    try:
        fields: Fields = kind_of(row.kind).fields.model_validate(_opened(row))
    except ValidationError:
        # Not as its cause: the library's error repeats what was typed in, and would end up in a log.
        raise DeliveryFailed("config_refused") from None
    return fields


def _sees(actor: Actor, row: Channel, units: Mapping[str, guards.Unit]) -> bool:
    path = units[row.unit_id].path if row.unit_id in units else "/"
    return actor.unit_path is not None and path.startswith(actor.unit_path)


def _apply(actor: Actor, row: Channel, wanted: Wanted, default_unit: str | None = None) -> None:
    reference = wanted.org_unit or default_unit
    if reference is not None:
        row.unit_id = guards.resolve_unit(actor, reference).id
    if wanted.name is not None or not row.name:
        row.name = _clean_name(wanted.name or "")
    if wanted.language is not None:
        row.language = wanted.language
    if wanted.enabled is not None:
        row.enabled = wanted.enabled
    if wanted.min_severity is not None:
        row.min_severity = int(Severity[wanted.min_severity.upper()])
    if wanted.kinds is not None:
        row.kinds = checked_kinds(wanted.kinds)


def checked_kinds(kinds: Collection[str]) -> list[str]:
    """Topics by kind, sorted. Raises Invalid for one that nobody registered."""
    known = {topic.kind for topic in all_topics()}
    strange = sorted(set(kinds) - known)
    if strange:
        raise Invalid(
            "unknown_topic",
            Text(f"没有主题“{strange[0][:40]}”。", f"There is no topic “{strange[0][:40]}”."),
            topics=sorted(known),
        )
    return sorted(set(kinds))


def _clean_name(name: str) -> str:
    plain = name.strip()
    if not plain or len(plain) > 100 or not plain.isprintable():
        text = Text("名称应为 1 到 100 个可见字符。", "A name has 1 to 100 printable characters.")
        raise Invalid("bad_name", text)
    return plain


def _seal(row: Channel, kind: ChannelKind[Any], given: Mapping[str, Any]) -> None:
    try:
        fields: Fields = kind.fields.model_validate(dict(given))
    except ValidationError as error:
        raise _bad_config(error) from None
    plain = {name: _plain(getattr(fields, name)) for name in kind.fields.model_fields}
    row.sealed = runtime().envelope.seal(json.dumps(plain).encode(), f"notification_channels:{row.id}")
    row.target = fields.target()


def _opened(row: Channel) -> dict[str, Any]:
    plain = runtime().envelope.open(row.sealed, f"notification_channels:{row.id}")
    found: dict[str, Any] = json.loads(plain)
    return found


def _plain(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _bad_config(error: ValidationError) -> Invalid:
    """Which members are wrong and why, never their values."""
    found = error.errors(include_url=False, include_input=False)[:20]
    problems = [
        {"path": ".".join(["config", *map(str, one["loc"])])[:100], "code": one["type"], "text": field_text(one)}
        for one in found
    ]
    name, said = str(found[0]["loc"][0]), field_text(found[0])
    what = _CONFIG.get(name, Text(name, name))
    return Invalid("bad_config", Text(f"{what.zh}：{said.zh}。", f"{what.en}: {said.en}."), errors=problems)


def _audited(row: Channel) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "name": row.name,
        "target": row.target,
        "unit": row.unit_id,
        "enabled": row.enabled,
        "min_severity": row.min_severity,
        "kinds": list(row.kinds),
    }


def _view(row: Channel, units: Mapping[str, guards.Unit]) -> ChannelView:
    state: Literal["new", "working", "failing"] = "working" if row.delivered_at else "new"
    if row.failing_since:
        state = "failing"
    return ChannelView(
        id=row.id,
        kind=row.kind,
        name=row.name,
        org_unit=units[row.unit_id].name_path if row.unit_id in units else "/",
        language=row.language,
        enabled=row.enabled,
        min_severity=Severity(row.min_severity).code,
        kinds=row.kinds,
        target=row.target,
        state=state if row.enabled else "off",
        since=row.failing_since,
        last_error=row.last_error if row.failing_since else None,
        delivered_at=row.delivered_at,
        created_at=row.created_at,
        revision=row.revision,
    )

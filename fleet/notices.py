"""The notice to holders: immutable versions, and the evidence of who accepted which on which phone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from core import audit, clock, live
from core.actor import Actor
from core.db import session, upsert
from core.errors import Conflict, Forbidden, Invalid
from core.permissions import Permission
from core.text import LANGUAGES, Text
from fleet import timeline
from fleet.events import Accepted, notice_accepted, notice_changed
from fleet.models import Device, Notice, NoticeAcceptance
from fleet.notice_text import DEFAULT_TEXTS, DEFAULT_VERSION
from fleet.visibility import visible
from identity import queries

MAX_TEXT = 20_000
MAX_VERSION = 64
SHOWN = 50
_ONCE = ("device_id", "version", "person_id")


@dataclass(frozen=True, slots=True)
class NoticeView:
    """A version and its texts by language."""

    version: str
    texts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One acceptance on one phone; `person` is the name of who held it then, None for nobody known."""

    version: str
    person: str | None
    accepted_at: datetime


def current() -> NoticeView:
    """The notice in force: the newest version, or the built-in one before there is any."""
    newest = session().scalars(select(Notice).order_by(Notice.seq.desc()).limit(1)).one_or_none()
    return NoticeView(newest.version, newest.texts) if newest else NoticeView(DEFAULT_VERSION, dict(DEFAULT_TEXTS))


def current_version() -> str:
    """Version of the notice in force."""
    return session().scalar(select(Notice.version).order_by(Notice.seq.desc()).limit(1)) or DEFAULT_VERSION


def publish(actor: Actor, texts: Mapping[str, str], version: str | None = None) -> NoticeView:
    """Put a new version in force; equal texts change nothing. Raises Conflict for a version used before."""
    actor.require(Permission.NOTICE_WRITE)
    # Until they have accepted it, phones collect nothing.
    actor.require_everything()
    checked = _checked(texts)
    now_in_force = current()
    if dict(now_in_force.texts) == checked and version in (None, now_in_force.version):
        return now_in_force
    name = _version(version)
    row = Notice(version=name, texts=checked, created_at=clock.now(), created_by=actor.id)
    session().add(row)
    session().flush()
    audit.record(actor, "notice.publish", ("notice", name), {"replaces": now_in_force.version})
    notice_changed.send(None, version=name)
    live.announce("notice", [name])
    return NoticeView(name, checked)


def accept(actor: Actor, version: str, accepted_at: datetime) -> None:
    """A phone says that its holder accepted the current notice. Raises Conflict, with the texts, for another one."""
    if actor.kind != "device":
        raise Forbidden("device_only", Text("只有设备可以提交。", "Only a device sends this."))
    notice = current()
    if version != notice.version:
        raise Conflict(
            "notice_outdated",
            Text(
                "告知书已更新，请阅读并同意最新版本。", "The notice has changed. Read and accept the current version."
            ),
            version=notice.version,
            texts=notice.texts,
        )
    device = session().get_one(Device, actor.id)
    if note_acceptance(device.id, device.person_id, version, accepted_at):
        device.notice_version = version
        timeline.add([timeline.Line(device.id, "notice", "notice.accepted", actor, version)])
        audit.record(actor, "notice.accept", ("notice", version), {"device": device.id, "person": device.person_id})
        notice_accepted.send(None, acceptances=[Accepted(device.id, device.person_id, version)])


def note_acceptance(device_id: str, person_id: str | None, version: str, accepted_at: datetime) -> bool:
    """Keep the evidence once per phone, holder and version; False when it is there already."""
    now = clock.now()
    row = {
        "device_id": device_id,
        "person_id": person_id or "",
        "version": version,
        "accepted_at": min(accepted_at, now),
        "received_at": now,
    }
    same = [getattr(NoticeAcceptance, key) == row[key] for key in _ONCE]
    if session().scalar(select(NoticeAcceptance.id).where(*same)):
        return False
    upsert(session(), NoticeAcceptance.__table__, [row], _ONCE, update=[])
    return True


def acceptances(actor: Actor, device_id: str) -> list[Evidence]:
    """What was accepted on a phone, by whom and when, newest first. Raises NotFound."""
    actor.require(Permission.DEVICE_READ)
    query = select(NoticeAcceptance).where(NoticeAcceptance.device_id == visible(actor, device_id).id)
    rows = list(session().scalars(query.order_by(NoticeAcceptance.received_at.desc()).limit(SHOWN)))
    people = queries.person_refs({row.person_id for row in rows if row.person_id})
    return [
        Evidence(row.version, people[row.person_id].name if row.person_id in people else None, row.accepted_at)
        for row in rows
    ]


def _version(wanted: str | None) -> str:
    if wanted is None:
        return _next_version()
    if not 1 <= len(wanted) <= MAX_VERSION or not wanted.isprintable():
        raise Invalid(
            "bad_version", Text("版本号为 1 到 64 个可见字符。", "A version has 1 to 64 printable characters.")
        )
    if wanted == DEFAULT_VERSION or session().scalar(select(Notice.seq).where(Notice.version == wanted)):
        raise Conflict(
            "version_used",
            Text("该版本号已用于其他内容，请换一个。", "This version was used for other texts. Choose another."),
            version=wanted,
        )
    return wanted


def _next_version() -> str:
    number = (session().scalar(select(func.max(Notice.seq))) or 0) + 1
    taken = set(session().scalars(select(Notice.version)))
    while str(number) in taken:
        number += 1
    return str(number)


def _checked(texts: Mapping[str, str]) -> dict[str, str]:
    wrong = set(texts) ^ set(LANGUAGES)
    if wrong or not all(text.strip() and len(text) <= MAX_TEXT for text in texts.values()):
        raise Invalid(
            "bad_notice",
            Text(
                f"请同时提供中文（zh-CN）与英文（en）全文，每种不超过 {MAX_TEXT} 字。",
                f"Give the full text in Chinese (zh-CN) and English (en), at most {MAX_TEXT} characters each.",
            ),
            languages=list(LANGUAGES),
        )
    return dict(texts)

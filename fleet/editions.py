"""Editions of the notice: a phone that changes hands is asked anew by the same texts under another version.

A phone compares the version that its desired state names with the one accepted last, and nothing else (PROTOCOL 7). So
each change of hands raises the number behind the text's version (`3`, `3#41`, `3#42`): `GET notice` gives the newest
edition, a phone is asked for an edition that is at least its own holder's, and one whose holder has accepted an edition
goes on being told that very one. Nobody else is asked again.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, func, or_, select

from core import clock
from core.bulk import texts
from core.db import session
from fleet.models import Device
from fleet.notice_models import Notice, NoticeCall
from fleet.notice_text import DEFAULT_VERSION

SIGN = "#"


def text_version() -> str:
    """Version of the texts in force."""
    return session().scalar(select(Notice.version).order_by(Notice.seq.desc()).limit(1)) or DEFAULT_VERSION


def name(version: str, edition: int) -> str:
    """An edition as phones see it."""
    return f"{version}{SIGN}{edition}" if edition else version


def number(named: str | None, version: str) -> int | None:
    """Which edition of these texts a name is; None for other texts."""
    if named is None or not (named == version or named.startswith(version + SIGN)):
        return None
    rest = named[len(version) + 1 :]
    if named == version:
        return 0
    return int(rest) if rest.isascii() and rest.isdecimal() and len(rest) < 18 else None


def newest(version: str) -> int:
    """The newest edition of these texts."""
    return session().scalar(select(func.max(NoticeCall.id)).where(NoticeCall.version == version)) or 0


def least(device_ids: Collection[str], version: str) -> dict[str, int]:
    """The least edition that the present holders of phones have to accept; a phone that is missing: any."""
    query = select(NoticeCall.device_id, func.max(NoticeCall.id).label("edition"))
    query = query.where(NoticeCall.device_id.in_(texts(session(), device_ids)), NoticeCall.version == version)
    return {row.device_id: row.edition for row in session().execute(query.group_by(NoticeCall.device_id))}


def call(device: Device, person_id: str) -> None:
    """A phone has another holder: what was accepted stays as evidence, yet it was not them."""
    device.notice_version = None
    session().add(NoticeCall(device_id=device.id, person_id=person_id, version=text_version(), called_at=clock.now()))
    session().flush()


def named_to(device_ids: Collection[str]) -> dict[str, str]:
    """What the desired state of each phone names: the edition that its holder accepted, else the newest."""
    version = text_version()
    wanted = name(version, newest(version))
    query = select(Device.id, Device.notice_version).where(Device.id.in_(texts(session(), device_ids)))
    # An accepted edition is noted only while it is the present holder's, so no older one stands here.
    return {
        row.id: row.notice_version if number(row.notice_version, version) is not None else wanted
        for row in session().execute(query)
    }


def has_accepted(version: str) -> ColumnElement[bool]:
    """The condition on `Device` that its holder accepted these texts."""
    column = Device.notice_version
    same = or_(column == version, column.startswith(version + SIGN, autoescape=True))
    return func.coalesce(same, False)

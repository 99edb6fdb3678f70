"""Evidence about the notice, for auditors: which texts there were, who accepted what on which phone, who has not yet.

A page needs `versions` (with texts and how many phones accepted each), `acceptances` narrowed to a person, a phone or a
version, and `status` with `pending` for the phones that collect nothing yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import aliased

from core.actor import Actor
from core.db import session
from core.paging import DEFAULT_LIMIT, Page, keyset
from core.permissions import Permission
from core.views import Moment, View
from fleet import editions
from fleet.models import Device, Holding
from fleet.notice_models import Notice, NoticeAcceptance
from fleet.notice_text import DEFAULT_TEXTS, DEFAULT_VERSION
from fleet.states import LIVING
from fleet.views import PersonName
from fleet.visibility import in_scope
from identity import queries
from mqtt.contract.notice import texts_digest


class VersionView(View):
    """Texts that were in force once; the built-in ones have no author. `accepted` counts living phones in scope."""

    version: str
    texts: dict[str, str]
    texts_sha256: str
    published_at: Moment | None
    published_by: str | None
    in_force: bool
    accepted: int


class AcceptanceView(View):
    """One acceptance. `person` is who held the phone; where nobody was known then, its first holder (`person_known`
    false). `proof` is the phone's own signature (PROTOCOL 3, `shouji-notice+jws`), by the key `signing_kid`."""

    id: int
    device: str
    serial: str
    person: PersonName | None
    person_known: bool
    version: str
    text_version: str
    texts_sha256: str | None
    language: str | None
    accepted_at: Moment
    received_at: Moment
    proof: str | None
    signing_kid: str


class PendingView(View):
    """A living phone whose holder has not accepted the notice in force, so that it collects nothing."""

    device: str
    serial: str
    model: str
    person: PersonName | None
    org_unit: str
    accepted: str | None
    enrolled_at: Moment


def versions(actor: Actor) -> list[VersionView]:
    """All texts, the newest first."""
    actor.require(Permission.NOTICE_READ)
    rows = list(session().scalars(select(Notice).order_by(Notice.seq.desc())))
    authors = queries.person_refs({row.created_by for row in rows})
    named = _accepted(actor)
    shown = [_version(named, row, row.texts, not index, authors) for index, row in enumerate(rows)]
    return [*shown, _version(named, None, dict(DEFAULT_TEXTS), not rows, authors)]


def acceptances(
    actor: Actor,
    *,
    person: str | None = None,
    device: str | None = None,
    version: str | None = None,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[AcceptanceView]:
    """Acceptances on phones in scope, the newest first; `person`, `device` are ids, `version` is that of the texts."""
    actor.require(Permission.NOTICE_READ)
    query = _narrowed(select(NoticeAcceptance), actor, person, device, version)
    columns = [NoticeAcceptance.received_at, NoticeAcceptance.id]
    page = keyset(session(), query, columns, cursor, limit, descending=True)
    return Page(_acceptances(page.items), page.next_cursor)


def count(actor: Actor, *, person: str | None = None, device: str | None = None, version: str | None = None) -> int:
    """How many acceptances the same filters find."""
    actor.require(Permission.NOTICE_READ)
    query = select(func.count(NoticeAcceptance.id)).select_from(NoticeAcceptance)
    return session().scalar(_narrowed(query, actor, person, device, version)) or 0


def _narrowed(
    query: Select[Any], actor: Actor, person: str | None, device: str | None, version: str | None
) -> Select[Any]:
    query = query.join(Device, Device.id == NoticeAcceptance.device_id).where(in_scope(actor))
    if person is not None:
        query = query.where(_by_person(person))
    if device is not None:
        query = query.where(NoticeAcceptance.device_id == device)
    return query if version is None else query.where(NoticeAcceptance.text_version == version)


def status(actor: Actor) -> tuple[str, int, int]:
    """The version of the texts in force; how many living phones in scope have accepted them, and how many have not."""
    actor.require(Permission.NOTICE_READ)
    version = editions.text_version()
    counted = select(func.count(Device.id)).where(Device.state.in_(LIVING), in_scope(actor))
    accepted = session().scalar(counted.where(editions.has_accepted(version))) or 0
    return version, accepted, (session().scalar(counted) or 0) - accepted


def pending(actor: Actor, cursor: str | None = None, limit: int = DEFAULT_LIMIT) -> Page[PendingView]:
    """Living phones in scope that collect nothing until their holder accepts, the newest enrollment first."""
    actor.require(Permission.NOTICE_READ)
    waiting = ~editions.has_accepted(editions.text_version())
    query = select(Device).where(Device.state.in_(LIVING), in_scope(actor), waiting)
    page = keyset(session(), query, [Device.enrolled_at, Device.id], cursor, limit, descending=True)
    return Page(_pending(page.items), page.next_cursor)


def _accepted(actor: Actor) -> dict[str, int]:
    """How many living phones in scope accepted which edition last."""
    query = select(Device.notice_version, func.count(Device.id))
    query = query.where(Device.state.in_(LIVING), Device.notice_version.is_not(None), in_scope(actor))
    return {name or "": number for name, number in session().execute(query.group_by(Device.notice_version))}


def _version(
    named: dict[str, int],
    row: Notice | None,
    texts: dict[str, str],
    in_force: bool,
    authors: dict[str, queries.PersonRef],
) -> VersionView:
    version = row.version if row else DEFAULT_VERSION
    author = authors.get(row.created_by) if row else None
    return VersionView(
        version=version,
        texts=texts,
        texts_sha256=texts_digest(texts),
        published_at=row.created_at if row else None,
        published_by=author.name if author else (row.created_by if row else None),
        in_force=in_force,
        accepted=sum(phones for name, phones in named.items() if editions.number(name, version) is not None),
    )


def _by_person(person: str) -> ColumnElement[bool]:
    """What somebody accepted: as the known holder, or as the first one of a phone whose holder was not known yet."""
    earlier = aliased(Holding)
    before = select(earlier.id).where(earlier.device_id == Holding.device_id, earlier.started_at < Holding.started_at)
    first = select(Holding.device_id).where(Holding.person_id == person, ~before.exists())
    unknown = and_(NoticeAcceptance.person_id == "", NoticeAcceptance.device_id.in_(first))
    return or_(NoticeAcceptance.person_id == person, unknown)


def _acceptances(rows: Sequence[NoticeAcceptance]) -> list[AcceptanceView]:
    ids = {row.device_id for row in rows}
    devices = {one.id: one for one in session().scalars(select(Device).where(Device.id.in_(ids)))}
    first = _first_holders({row.device_id for row in rows if not row.person_id})
    people = queries.person_refs({row.person_id for row in rows if row.person_id} | set(first.values()))
    return [
        AcceptanceView(
            id=row.id,
            device=row.device_id,
            serial=devices[row.device_id].serial,
            person=PersonName.of(people.get(row.person_id or first.get(row.device_id, ""))),
            person_known=bool(row.person_id),
            version=row.version,
            text_version=row.text_version,
            texts_sha256=row.texts_sha256,
            language=row.language,
            accepted_at=row.accepted_at,
            received_at=row.received_at,
            proof=row.proof,
            signing_kid=devices[row.device_id].signing_kid,
        )
        for row in rows
    ]


def _first_holders(device_ids: set[str]) -> dict[str, str]:
    query = select(Holding.device_id, Holding.person_id).where(Holding.device_id.in_(device_ids))
    newest_first = session().execute(query.order_by(Holding.started_at.desc(), Holding.id.desc()))
    return {row.device_id: row.person_id for row in newest_first}


def _pending(devices: Sequence[Device]) -> list[PendingView]:
    people = queries.person_refs({one.person_id for one in devices if one.person_id})
    units = queries.unit_refs({one.org_unit_id for one in devices})
    return [
        PendingView(
            device=one.id,
            serial=one.serial,
            model=one.model,
            person=PersonName.of(people.get(one.person_id or "")),
            org_unit=units[one.org_unit_id].name_path if one.org_unit_id in units else "",
            accepted=one.notice_version,
            enrolled_at=one.enrolled_at,
        )
        for one in devices
    ]

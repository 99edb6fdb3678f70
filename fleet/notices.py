"""The notice to holders: immutable versions, and the evidence of who accepted which on which phone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from core import audit, clock, live
from core.actor import Actor
from core.crypto.jose import BadToken
from core.crypto.jwk import PublicKey, public_from_der
from core.db import session, upsert
from core.errors import Conflict, Forbidden, Invalid, PreconditionRequired
from core.permissions import Permission
from core.text import LANGUAGES, Text
from core.views import Inner, View
from fleet import editions, timeline
from fleet.events import Accepted, notice_accepted, notice_changed, notice_named
from fleet.models import Device
from fleet.notice_models import Notice
from fleet.notice_models import NoticeAcceptance as AcceptanceRow
from fleet.notice_text import DEFAULT_TEXTS, DEFAULT_VERSION
from fleet.visibility import visible
from identity import queries
from mqtt import signed
from mqtt.contract.codec import BadPayload
from mqtt.contract.names import Typ
from mqtt.contract.notice import NoticeAcceptance, NoticeProof, texts_digest

MAX_TEXT = 20_000
MAX_VERSION = 64
SHOWN = 50
_ONCE = ("device_id", "version", "person_id")


class NoticeView(View):
    """A version and its texts by language; `version` is the newest edition, `text_version` that of the texts."""

    version: str
    texts: dict[str, str]
    text_version: Inner[str]


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What a phone says of an acceptance: version, time, the language that was read, its signature over all that."""

    version: str
    accepted_at: datetime
    language: str | None
    proof: str | None
    texts_sha256: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One acceptance on one phone; `person` is the name of who held it then, None for nobody known."""

    version: str
    person: str | None
    accepted_at: datetime


def current() -> NoticeView:
    """The notice in force: the newest texts, or the built-in ones before there are any, in their newest edition."""
    newest = session().scalars(select(Notice).order_by(Notice.seq.desc()).limit(1)).one_or_none()
    version, texts = (newest.version, newest.texts) if newest else (DEFAULT_VERSION, dict(DEFAULT_TEXTS))
    return NoticeView(version=editions.name(version, editions.newest(version)), texts=texts, text_version=version)


def publish(actor: Actor, texts: Mapping[str, str], version: str | None = None) -> NoticeView:
    """Put a new version in force; equal texts change nothing.

    Raises Conflict for a version that was used before, or just now by somebody else.
    """
    actor.require(Permission.NOTICE_WRITE)
    # Until they have accepted it, phones collect nothing.
    actor.require_everything()
    checked = _checked(texts)
    now_in_force = current()
    if now_in_force.texts == checked and version in (None, now_in_force.text_version):
        return now_in_force
    name = _version(version)
    row = Notice(version=name, texts=checked, created_at=clock.now(), created_by=actor.id)
    session().add(row)
    try:
        session().flush()
    except IntegrityError as error:
        raise Conflict(
            "notice_changed",
            Text(
                "告知书刚被他人更新，请重新载入后再改。",
                "Somebody else has just published a notice. Load it again, then edit.",
            ),
        ) from error
    detail = {"replaces": now_in_force.text_version, "texts_sha256": texts_digest(checked)}
    audit.record(actor, "notice.publish", ("notice", name), detail)
    notice_changed.send(None, version=name)
    live.announce("notice", [name])
    return NoticeView(version=name, texts=checked, text_version=name)


def accept(actor: Actor, sent: NoticeAcceptance) -> None:
    """A phone says that its holder accepted the notice.

    Raises Conflict, with the texts, for other texts or an edition that the present holder cannot have been shown;
    Invalid for a proof that does not prove it.
    """
    if actor.kind != "device":
        raise Forbidden("device_only", Text("只有设备可以提交。", "Only a phone sends this."))
    device = session().get_one(Device, actor.id, with_for_update=True)
    notice = current()
    least = editions.least([device.id], notice.text_version).get(device.id, 0)
    if not _in_force(sent.version, notice, least):
        raise Conflict(
            "notice_outdated",
            Text(
                "告知书已更新，请阅读并同意最新版本。", "The notice has changed. Read and accept the current version."
            ),
            version=notice.version,
            texts=notice.texts,
        )
    said = checked_acceptance(sent, notice, device.signing_kid, public_from_der(device.signing_key))
    if note_acceptance(device, said, notice):
        timeline.add([timeline.Line(device.id, "notice", "notice.accepted", actor, sent.version)])
        detail = {"device": device.id, "person": device.person_id, "signed": said.proof is not None}
        audit.record(actor, "notice.accept", ("notice", sent.version), detail)
        notice_named.send(None, device_ids=[device.id])


def enrollable(sent: NoticeAcceptance | None) -> NoticeView:
    """The notice in force, which a phone that enrolls has accepted. Raises PreconditionRequired with the texts."""
    notice = current()
    if sent is None or not _in_force(sent.version, notice, 0):
        raise PreconditionRequired(
            "notice_not_accepted",
            Text("请先阅读并同意当前的告知书。", "Read and accept the current notice first."),
            version=notice.version,
            texts=notice.texts,
        )
    return notice


def checked_acceptance(sent: NoticeAcceptance, notice: NoticeView, kid: str, key: PublicKey) -> Acceptance:
    """What a phone sent, believed where its signature proves it. Raises Invalid for a proof of something else."""
    digest = texts_digest(notice.texts)
    if sent.proof is None:
        return Acceptance(sent.version, sent.accepted_at, sent.language, None, digest)
    try:
        proof = signed.read(NoticeProof, sent.proof, typ=Typ.NOTICE, keys={kid: key}, sub=None, require=())
    except (BadToken, BadPayload) as error:
        raise _bad_proof(error.reason) from error
    if (proof.version, proof.accepted_at, proof.texts) != (sent.version, sent.accepted_at, digest):
        raise _bad_proof("content")
    return Acceptance(sent.version, sent.accepted_at, proof.language, sent.proof, digest)


def note_acceptance(device: Device, said: Acceptance, notice: NoticeView) -> bool:
    """Keep the evidence once per phone, holder and edition; False when it is there already."""
    device.notice_version = said.version
    now = clock.now()
    row = {
        "device_id": device.id,
        "person_id": device.person_id or "",
        "version": said.version,
        "text_version": notice.text_version,
        "texts_sha256": said.texts_sha256,
        "language": said.language,
        "proof": said.proof,
        "accepted_at": min(said.accepted_at, now),
        "received_at": now,
    }
    same = [getattr(AcceptanceRow, key) == row[key] for key in _ONCE]
    if session().scalar(select(AcceptanceRow.id).where(*same)):
        return False
    upsert(session(), AcceptanceRow.__table__, [row], _ONCE, update=[])
    notice_accepted.send(None, acceptances=[Accepted(device.id, device.person_id, said.version)])
    return True


def acceptances(actor: Actor, device_id: str) -> list[Evidence]:
    """What was accepted on a phone, by whom and when, newest first. Raises NotFound."""
    actor.require(Permission.DEVICE_READ)
    query = select(AcceptanceRow).where(AcceptanceRow.device_id == visible(actor, device_id).id)
    rows = list(session().scalars(query.order_by(AcceptanceRow.received_at.desc()).limit(SHOWN)))
    people = queries.person_refs({row.person_id for row in rows if row.person_id})
    return [
        Evidence(row.version, people[row.person_id].name if row.person_id in people else None, row.accepted_at)
        for row in rows
    ]


def _in_force(version: str, notice: NoticeView, least: int) -> bool:
    """Whether a phone may have been shown this edition since its present holder has it."""
    edition = editions.number(version, notice.text_version)
    newest = editions.number(notice.version, notice.text_version) or 0
    return edition is not None and least <= edition <= newest


def _bad_proof(reason: str) -> Invalid:
    return Invalid(
        "bad_notice_proof",
        Text("告知书的同意签名无效。", "The signature on the acceptance of the notice is not valid."),
        reason=reason,
    )


def _version(wanted: str | None) -> str:
    if wanted is None:
        return _next_version()
    if not 1 <= len(wanted) <= MAX_VERSION or not wanted.isprintable() or editions.SIGN in wanted:
        text = Text("版本号为 1 到 64 个可见字符，不含 #。", "A version has 1 to 64 printable characters and no #.")
        raise Invalid("bad_version", text)
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

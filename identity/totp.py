"""The second factor: time codes (RFC 6238), each of which counts once, and recovery codes for a lost phone."""

from __future__ import annotations

import hmac

import pyotp
import segno
from sqlalchemy import delete, select, update

from core import audit, clock
from core.actor import Actor
from core.db import affected, session
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_token, token_digest
from core.permissions import Permission
from core.runtime import runtime
from core.text import Text
from core.uow import after_rollback
from core.views import View
from identity import accounts, people, sessions, throttle
from identity.models import Person, RecoveryCode, TotpSecret

ISSUER = "Shouji 守机"
STEP_S = 30
RECOVERY_CODES = 10
RECOVERY_LENGTH = 16


class TotpEnrollment(View):
    """What an authenticator needs, told once."""

    secret: str
    uri: str
    qr_svg: str


def is_enrolled(person_id: str) -> bool:
    """Whether the person has a confirmed second factor."""
    query = select(TotpSecret.person_id).where(TotpSecret.person_id == person_id, TotpSecret.confirmed_at.is_not(None))
    return session().scalar(query) is not None


def enroll(actor: Actor) -> TotpEnrollment:
    """Begin: make a secret that `confirm` puts into force. Raises Conflict when one is in force already."""
    person = session().get_one(Person, actor.id)
    if is_enrolled(person.id):
        raise Conflict(
            "totp_enrolled", Text("已启用两步验证，请先停用。", "A second factor is in force. Remove it first.")
        )
    secret = pyotp.random_base32()
    session().execute(delete(TotpSecret).where(TotpSecret.person_id == person.id))
    sealed = runtime().envelope.seal(secret.encode(), _place(person.id))
    session().add(TotpSecret(person_id=person.id, sealed=sealed, confirmed_at=None, last_step=0))
    audit.record(actor, "totp.enroll", ("person", person.id))
    return _enrollment(person, secret)


def begun(actor: Actor) -> TotpEnrollment | None:
    """The secret that was begun and not yet confirmed, None when there is none: a mistyped code starts nothing anew."""
    row = session().get(TotpSecret, actor.id)
    if row is None or row.confirmed_at is not None:
        return None
    secret = runtime().envelope.open(row.sealed, _place(actor.id)).decode()
    return _enrollment(session().get_one(Person, actor.id), secret)


def confirm(actor: Actor, code: str) -> list[str]:
    """Put the new secret into force with a first code. Returns the recovery codes, told once. Raises Invalid."""
    row = session().get(TotpSecret, actor.id)
    if row is None or row.confirmed_at is not None:
        raise Conflict(
            "totp_not_begun", Text("请先开始启用两步验证。", "Begin the enrollment of a second factor first.")
        )
    if not _spend_code(row, code):
        raise _wrong_code()
    session().execute(update(TotpSecret).where(TotpSecret.person_id == actor.id).values(confirmed_at=clock.now()))
    session().execute(delete(RecoveryCode).where(RecoveryCode.person_id == actor.id))
    codes = [new_token(RECOVERY_LENGTH) for _ in range(RECOVERY_CODES)]
    session().add_all(RecoveryCode(code_hash=token_digest(c), person_id=actor.id, used_at=None) for c in codes)
    audit.record(actor, "totp.confirm", ("person", actor.id))
    return codes


def spend(person_id: str, code: str) -> bool:
    """Whether a time code or a recovery code is right; either counts once. Needs a writing unit of work."""
    plain = code.strip().replace(" ", "").replace("-", "")
    row = session().get(TotpSecret, person_id)
    if row is not None and row.confirmed_at is not None and _spend_code(row, plain):
        return True
    used = update(RecoveryCode).where(
        RecoveryCode.code_hash == token_digest(plain.upper()), RecoveryCode.used_at.is_(None)
    )
    return affected(session(), used.where(RecoveryCode.person_id == person_id).values(used_at=clock.now())) == 1


def remove(actor: Actor, code: str) -> None:
    """Remove one's own second factor, with a code of it. Raises Invalid or TooMany."""
    name = session().get_one(Person, actor.id).username or ""
    throttle.check(name)
    if not spend(actor.id, code):
        after_rollback(lambda: throttle.count_failure(name))
        raise _wrong_code()
    _forget(actor.id)
    audit.record(actor, "totp.remove", ("person", actor.id))


def reset(actor: Actor, person_id: str) -> None:
    """Remove somebody else's second factor and end their sessions; a hand in that account. Raises NotFound."""
    actor.require(Permission.STAFF_WRITE)
    person = people.visible(actor, person_id)
    accounts.require_authority(actor, accounts.roles_of(person.id))
    if person.id == actor.id or not is_enrolled(person.id):
        raise NotFound(
            "totp_not_enrolled",
            Text("该人员未启用两步验证，或这是您本人。", "No second factor of somebody else to reset."),
        )
    _forget(person.id)
    accounts.note_change(actor, person.id, accounts.RESET)
    sessions.end_all(person.id)
    audit.record(actor, "totp.reset", ("person", person.id))


def _enrollment(person: Person, secret: str) -> TotpEnrollment:
    uri = pyotp.TOTP(secret).provisioning_uri(name=person.username or person.name, issuer_name=ISSUER)
    return TotpEnrollment(secret=secret, uri=uri, qr_svg=segno.make(uri, error="m").svg_inline(scale=4))


def _forget(person_id: str) -> None:
    session().execute(delete(TotpSecret).where(TotpSecret.person_id == person_id))
    session().execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))


def _spend_code(row: TotpSecret, code: str) -> bool:
    """Check the code against this step and its neighbours, and spend the step: a code seen is used up."""
    generator = pyotp.TOTP(runtime().envelope.open(row.sealed, _place(row.person_id)).decode())
    here = clock.unix() // STEP_S
    step = next(
        (
            s
            for s in (here, here - 1, here + 1)
            if hmac.compare_digest(generator.generate_otp(s).encode(), code.encode())
        ),
        None,
    )
    if step is None:
        return False
    fresh = update(TotpSecret).where(TotpSecret.person_id == row.person_id, TotpSecret.last_step < step)
    return affected(session(), fresh.values(last_step=step).execution_options(synchronize_session=False)) == 1


def _place(person_id: str) -> str:
    return f"totp:{person_id}"


def _wrong_code() -> Invalid:
    return Invalid(
        "wrong_code",
        Text("验证码不正确或已用过，请等待下一个。", "The code is wrong or was used. Wait for the next one."),
    )

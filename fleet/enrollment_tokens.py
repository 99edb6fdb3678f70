"""Enrollment tokens: who may bring phones in, how many, until when and to where.

The code itself is derived from the token's id with a key of the ring, so the database holds its hash alone and the QR
code can still be shown again to whoever may hand it out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true, update

from core import audit, clock
from core.actor import Actor
from core.db import session
from core.errors import Conflict, Invalid, NotFound, Unauthenticated
from core.ids import CROCKFORD, is_uuid, new_id, token_digest
from core.paging import DEFAULT_LIMIT, Page, keyset
from core.permissions import Permission
from core.runtime import runtime
from core.text import Text
from core.views import Moment, View
from fleet import groups
from fleet.models import EnrollmentToken
from fleet.views import PersonName
from identity import org, queries, scope
from mqtt.contract.limits import ENROLLMENT_CODE_LENGTH

MAX_USES = 100_000
MIN_LIFE, MAX_LIFE = timedelta(seconds=1), timedelta(days=365)
MAX_GROUPS = 50
State = Literal["active", "expired", "revoked", "used_up"]
_UNIT_IN_PATH = re.compile(r"([^/]+)/$")


class TokenView(View):
    """An enrollment token as it is shown: never with its code."""

    id: str
    state: State
    org_unit: str | None
    person: PersonName | None
    groups: list[str]
    max_uses: int
    used: int
    allow_reenroll: bool
    bind_expected: bool
    created_at: Moment
    expires_at: Moment
    revoked_at: Moment | None


def create(
    actor: Actor,
    *,
    max_uses: int,
    expires_in: int,
    org_unit: str | None = None,
    group_names: Sequence[str] = (),
    person: str | None = None,
    allow_reenroll: bool = False,
    bind_expected: bool = False,
) -> tuple[TokenView, str]:
    """Make a token; returns it with its code, which is told only here and by the QR code.

    `expires_in` is in seconds; `org_unit` a name path or id; `person` an id or an employee number. With `bind_expected`
    a phone whose serial or IMEI was announced (fleet.expected) gets its person, confirmed, and its unit and groups; a
    phone that nobody expects comes in as with any other token. Raises Invalid.
    """
    actor.require(Permission.ENROLLMENT_WRITE)
    _check_figures(max_uses, expires_in, group_names)
    if person and bind_expected:
        raise _person_or_expected()
    holder = find_person(actor, person) if person else None
    groups.ensure(group_names)
    now, token_id = clock.now(), new_id()
    code = code_of(token_id)
    token = EnrollmentToken(
        id=token_id,
        digest=token_digest(code),
        org_unit_id=_unit(actor, org_unit),
        person_id=holder.id if holder else None,
        groups=sorted(set(group_names)),
        max_uses=max_uses,
        used=0,
        allow_reenroll=allow_reenroll,
        bind_expected=bind_expected,
        created_at=now,
        created_by=actor.id,
        expires_at=now + timedelta(seconds=expires_in),
        revoked_at=None,
    )
    session().add(token)
    session().flush()
    detail = {"max_uses": max_uses, "person": token.person_id, "unit": token.org_unit_id, "groups": token.groups}
    allowed = {"allow_reenroll": allow_reenroll, "bind_expected": bind_expected}
    audit.record(actor, "enrollment_token.create", ("enrollment_token", token.id), {**detail, **allowed})
    return _views([token])[0], code


def _person_or_expected() -> Invalid:
    return Invalid(
        "person_or_expected",
        Text(
            "“使用人”（person）与“按序列号分配”（bind_expected）不能同时使用：前者把设备都交给一个人。",
            "Use either “person” (all phones for one person) or “bind_expected” (each by its serial).",
        ),
    )


def find(
    actor: Actor, cursor: str | None = None, limit: int = DEFAULT_LIMIT, *, state: str | None = None
) -> Page[TokenView]:
    """Tokens in the actor's scope, newest first; all of them or those of one state. Raises Invalid for no state."""
    actor.require(Permission.ENROLLMENT_READ)
    columns = [EnrollmentToken.created_at, EnrollmentToken.id]
    page = keyset(session(), _in_scope(actor).where(_is(state)), columns, cursor, limit, descending=True)
    return Page(_views(page.items), page.next_cursor)


def count(actor: Actor, *, state: str | None = None) -> int:
    """How many tokens the same state finds."""
    actor.require(Permission.ENROLLMENT_READ)
    found = _in_scope(actor).where(_is(state)).with_only_columns(func.count(EnrollmentToken.id))
    return session().scalar(found) or 0


def get(actor: Actor, token_id: str) -> TokenView:
    """One token. Raises NotFound."""
    actor.require(Permission.ENROLLMENT_READ)
    return _views([_visible(actor, token_id)])[0]


def revoke(actor: Actor, token_id: str) -> None:
    """End a token; phones that enrolled with it stay. Raises NotFound."""
    actor.require(Permission.ENROLLMENT_WRITE)
    token = _visible(actor, token_id)
    if token.revoked_at is None:
        token.revoked_at = clock.now()
        audit.record(actor, "enrollment_token.revoke", ("enrollment_token", token.id))


def show_code(actor: Actor, token_id: str) -> str:
    """The code of a token that can still be used, for its QR code; audited. Raises NotFound, Conflict."""
    actor.require(Permission.ENROLLMENT_WRITE)
    token = _visible(actor, token_id)
    if not usable(token):
        raise Conflict(
            "token_closed",
            Text(
                "该注册令牌已过期、吊销或用完，请新建一个。",
                "This token is expired, revoked or used up. Make a new one.",
            ),
        )
    audit.record(actor, "enrollment_token.show", ("enrollment_token", token.id))
    return code_of(token.id)


def code_of(token_id: str) -> str:
    """The code: 26 Crockford characters that only the key ring and the id give."""
    envelope = runtime().envelope
    number = int(envelope.blind(token_id, "enrollment-code-1") + envelope.blind(token_id, "enrollment-code-2"), 16)
    return "".join(CROCKFORD[number >> 5 * place & 31] for place in range(ENROLLMENT_CODE_LENGTH))


def by_code(code: str) -> EnrollmentToken:
    """The token of a code, locked until the unit of work ends. Raises Unauthenticated when there is none."""
    query = select(EnrollmentToken).where(EnrollmentToken.digest == token_digest(code)).with_for_update()
    token = session().scalars(query.execution_options(populate_existing=True)).one_or_none()
    if token is None:
        raise refused()
    return token


def use(token: EnrollmentToken) -> None:
    """Count one use, atomically. Raises Unauthenticated when none is left or the token ended."""
    left = (
        update(EnrollmentToken)
        .where(
            EnrollmentToken.id == token.id,
            EnrollmentToken.used < EnrollmentToken.max_uses,
            EnrollmentToken.revoked_at.is_(None),
            EnrollmentToken.expires_at > clock.now(),
        )
        .values(used=EnrollmentToken.used + 1)
        .returning(EnrollmentToken.id)
    )
    if session().execute(left, execution_options={"synchronize_session": False}).one_or_none() is None:
        raise refused()


def usable(token: EnrollmentToken) -> bool:
    """Whether the token lets one more phone in."""
    return token.revoked_at is None and token.expires_at > clock.now() and token.used < token.max_uses


def refused() -> Unauthenticated:
    """The one answer to a code that does not let in, whatever the reason."""
    return Unauthenticated(
        "token_refused",
        Text(
            "注册令牌未知、已过期、已吊销或已用完，请向管理员索取新的。",
            "The token is unknown, expired, revoked or used up. Ask for a new one.",
        ),
    )


def find_person(actor: Actor, reference: str) -> queries.PersonRef:
    """An active person in the actor's scope by id or employee number. Raises Invalid."""
    found = queries.person_refs([reference]).get(reference) if is_uuid(reference) else None
    found = found or queries.person_by_employee_no(reference)
    if found is None or not found.active or not scope.in_scope(actor, found.unit_id):
        raise Invalid(
            "unknown_person",
            Text(
                "没有这位在职人员，请填写人员 ID 或工号。",
                "There is no such active person. Give an id or an employee number.",
            ),
        )
    return found


def _check_figures(max_uses: int, expires_in: int, group_names: Sequence[str]) -> None:
    if not 1 <= max_uses <= MAX_USES:
        raise Invalid("bad_max_uses", Text(f"max_uses 应为 1 到 {MAX_USES}。", f"max_uses is 1 to {MAX_USES}."))
    if not MIN_LIFE <= timedelta(seconds=min(expires_in, 10**9)) <= MAX_LIFE:
        raise Invalid(
            "bad_expires_in",
            Text(
                f"expires_in 以秒计，最多 {MAX_LIFE.days} 天。",
                f"expires_in is in seconds, at most {MAX_LIFE.days} days.",
            ),
        )
    if len(group_names) > MAX_GROUPS:
        raise Invalid("too_many_groups", Text(f"最多 {MAX_GROUPS} 个分组。", f"At most {MAX_GROUPS} groups."))


def _unit(actor: Actor, reference: str | None) -> str | None:
    if reference is not None:
        return org.place(actor, reference).id
    if scope.sees_everything(actor):
        return None
    # Whoever sees a part of the tree brings phones into that part.
    own = _UNIT_IN_PATH.search(actor.unit_path or "")
    return org.place(actor, own.group(1) if own else "").id


def _in_scope(actor: Actor) -> Select[tuple[EnrollmentToken]]:
    everything = scope.sees_everything(actor)
    units = true() if everything else EnrollmentToken.org_unit_id.in_(scope.visible_units(actor))
    return select(EnrollmentToken).where(or_(units, EnrollmentToken.created_by == actor.id))


def _visible(actor: Actor, token_id: str) -> EnrollmentToken:
    token = session().scalars(_in_scope(actor).where(EnrollmentToken.id == token_id)).one_or_none()
    if token is None:
        raise NotFound("no_such_token", Text("没有这个注册令牌。", "There is no such enrollment token."))
    return token


def _views(tokens: Sequence[EnrollmentToken]) -> list[TokenView]:
    units = queries.unit_refs({token.org_unit_id for token in tokens if token.org_unit_id})
    people = queries.person_refs({token.person_id for token in tokens if token.person_id})
    return [
        TokenView(
            id=token.id,
            state=_state(token),
            org_unit=units[token.org_unit_id].name_path if token.org_unit_id in units else None,
            person=PersonName.of(people.get(token.person_id or "")),
            groups=token.groups,
            max_uses=token.max_uses,
            used=token.used,
            allow_reenroll=token.allow_reenroll,
            bind_expected=token.bind_expected,
            created_at=token.created_at,
            expires_at=token.expires_at,
            revoked_at=token.revoked_at,
        )
        for token in tokens
    ]


def _is(state: str | None) -> ColumnElement[bool]:
    """The condition of a state, as `_state` finds it."""
    revoked = EnrollmentToken.revoked_at.is_not(None)
    used_up = EnrollmentToken.used >= EnrollmentToken.max_uses
    running = EnrollmentToken.expires_at > clock.now()
    conditions: dict[str | None, ColumnElement[bool]] = {
        None: true(),
        "revoked": revoked,
        "used_up": and_(~revoked, used_up),
        "active": and_(~revoked, ~used_up, running),
        "expired": and_(~revoked, ~used_up, ~running),
    }
    if state not in conditions:
        names = ", ".join(filter(None, conditions))
        raise Invalid("bad_state", Text(f"状态应为 {names} 之一。", f"state is one of {names}."))
    return conditions[state]


def _state(token: EnrollmentToken) -> State:
    if token.revoked_at is not None:
        return "revoked"
    if token.used >= token.max_uses:
        return "used_up"
    return "active" if token.expires_at > clock.now() else "expired"

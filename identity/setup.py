"""The first administrator: by a one-time link that the first start prints, or by a password from the settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from core import audit, clock
from core.actor import ROOT_PATH, system_actor
from core.db import affected, session, upsert
from core.errors import NotFound
from core.ids import new_token, token_digest
from core.runtime import settings
from core.text import Text
from core.uow import start_writing
from identity import accounts, org, people
from identity.models import Installation, Person, SetupLink
from identity.person_input import clean_username, new_password
from identity.person_views import PersonView
from identity.roles import Role

ADMIN = "admin"
LINK_LIFETIME = timedelta(hours=24)
_ROW = 1


@dataclass(frozen=True, slots=True)
class FirstStart:
    """What the start has to print: the setup link's address, and whether `admin` was just created."""

    setup_url: str | None = None
    admin_created: bool = False


def prepare() -> FirstStart:
    """Make the tree's root and the installation's birth date, and see to a first administrator. Run at each start.

    Raises Invalid when the password from the settings is too weak. It is hashed before the unit begins to write.
    """
    password = settings().admin_password
    made = None
    if password is not None and not accounts.count_admins() and not _exists(ADMIN):
        made = new_password(password.get_secret_value(), ADMIN)
    start_writing()
    org.ensure_root()
    row = {"id": _ROW, "installed_at": clock.now()}
    upsert(session(), Installation.__table__, [row], ["id"], update=[])
    if accounts.count_admins():
        return FirstStart()
    if made is not None and not _exists(ADMIN):
        _create_admin(ADMIN, "管理员", made)
        return FirstStart(admin_created=True)
    token = new_token()
    session().execute(delete(SetupLink))
    session().add(SetupLink(token_hash=token_digest(token), expires_at=clock.now() + LINK_LIFETIME, used_at=None))
    return FirstStart(setup_url=f"{settings().base_url}/setup/{token}")


def is_open(token: str) -> bool:
    """Whether the setup link still works."""
    link = session().get(SetupLink, token_digest(token))
    return link is not None and link.used_at is None and link.expires_at > clock.now() and not accounts.count_admins()


def complete(token: str, username: str, password: str, name: str) -> PersonView:
    """Make the first administrator with the link. Raises NotFound for a link that does not work (any more), Invalid.

    The password is hashed before the unit of work begins to write, where it began by reading.
    """
    if not is_open(token):
        raise _link_invalid()
    login = clean_username(username)
    made = new_password(password, login)
    start_writing()
    spent = (
        update(SetupLink)
        .where(
            SetupLink.token_hash == token_digest(token), SetupLink.used_at.is_(None), SetupLink.expires_at > clock.now()
        )
        .values(used_at=clock.now())
    )
    if affected(session(), spent) != 1 or accounts.count_admins():
        raise _link_invalid()
    return _create_admin(login, name, made)


def installed_at() -> datetime:
    """When this installation began."""
    found = session().scalar(select(Installation.installed_at).where(Installation.id == _ROW))
    return found or clock.now()


def _link_invalid() -> NotFound:
    return NotFound(
        "setup_link_invalid",
        Text(
            "设置链接无效或已使用。重新启动服务会打印新的链接。",
            "The setup link is not valid. Start the server again for a new one.",
        ),
    )


def _create_admin(username: str | None, name: str, password_hash: str | None) -> PersonView:
    actor = system_actor("setup")
    roles = frozenset({str(Role.PLATFORM_ADMIN)})
    person = people.add(actor, name, username, None, None, password_hash, roles, ROOT_PATH)
    audit.record(actor, "installation.first_admin", ("person", person.id))
    return person


def _exists(username: str) -> bool:
    return session().scalar(select(Person.id).where(Person.username == username)) is not None

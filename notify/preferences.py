"""How people want to be told, by their own choice: mail or not, which topics, which language."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import select

from core import audit
from core.actor import Actor
from core.db import session, upsert
from core.errors import Forbidden
from core.runtime import settings
from core.text import DEFAULT_LANGUAGE, Text
from notify import guards
from notify.channels import checked_kinds
from notify.models import Preference
from notify.topics import Severity, Topic
from notify.views import PreferenceView


@dataclass(frozen=True, slots=True)
class Choice:
    """What counts for one person."""

    language: str = DEFAULT_LANGUAGE
    mail: bool = True
    kinds: tuple[str, ...] | None = None

    def wants_mail(self, topic: Topic) -> bool:
        """Whether the person wants mails about the topic."""
        chosen = topic.severity >= Severity.WARNING if self.kinds is None else topic.kind in self.kinds
        return self.mail and chosen


def own(actor: Actor) -> PreferenceView:
    """The actor's own choice."""
    choice = of([actor.id]).get(actor.id, Choice())
    address = guards.mail_addresses([actor.id]).get(actor.id)
    possible = bool(settings().smtp_host and address)
    return PreferenceView(
        language=choice.language, mail=choice.mail, topics=_listed(choice), address=address, mail_possible=possible
    )


def change(
    actor: Actor,
    *,
    language: str | None = None,
    mail: bool | None = None,
    kinds: Collection[str] | None = None,
    all_kinds: bool = False,
) -> PreferenceView:
    """Change the named members of one's own choice; `all_kinds` goes back to every topic that matters.

    Raises Invalid for a topic that nobody registered, Forbidden for who is no person.
    """
    if actor.kind != "staff":
        raise Forbidden("staff_only", Text("只有人员可以设置通知偏好。", "Only people choose how they are told."))
    before = of([actor.id]).get(actor.id, Choice())
    row = {
        "person_id": actor.id,
        "language": language or before.language,
        "mail": before.mail if mail is None else mail,
        "kinds": None if all_kinds else checked_kinds(kinds) if kinds is not None else _listed(before),
    }
    upsert(session(), Preference.__table__, [row], ["person_id"])
    session().expire_all()
    changed = {"language": row["language"], "mail": row["mail"], "kinds": row["kinds"]}
    audit.record(actor, "notification_preference.change", ("person", actor.id), changed)
    return own(actor)


def of(person_ids: Collection[str]) -> Mapping[str, Choice]:
    """The choices of those who made one."""
    rows = session().scalars(select(Preference).where(Preference.person_id.in_(person_ids)))
    return {
        row.person_id: Choice(row.language, row.mail, None if row.kinds is None else tuple(row.kinds)) for row in rows
    }


def _listed(choice: Choice) -> list[str] | None:
    return None if choice.kinds is None else list(choice.kinds)

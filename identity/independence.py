"""Whether an approver is a second person in truth, or one mind behind two accounts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import select

from core import clock
from core.db import session
from core.errors import Forbidden
from core.runtime import settings
from core.text import Text
from identity import setup
from identity.models import AccountChange


def require_independent(approver_id: str, requester_id: str, requested_at: datetime) -> None:
    """Raise Forbidden when one person may stand behind both accounts.

    A hand in an account is: created it, granted a role, reset password or second factor, through others too. The
    requester may have one in the approver, the approver in the requester, or somebody else in both; what counts is a
    short while before the request and since. A young installation cannot ask this yet, since all its accounts
    are new, and one whose minimum age is 0 never does.
    """
    span = timedelta(seconds=settings().approver_min_age)
    if not span or setup.installed_at() > clock.now() - span:
        return
    query = select(AccountChange.person_id, AccountChange.by_id).where(AccountChange.at > requested_at - span)
    changes = session().execute(query.order_by(AccountChange.at, AccountChange.id))
    behind = _behind((row.person_id, row.by_id) for row in changes)
    if behind.get(approver_id, {approver_id}) & behind.get(requester_id, {requester_id}):
        hours = max(1, round(span.total_seconds() / 3600))
        raise Forbidden(
            "approver_not_independent",
            Text(
                f"{hours} 小时内，同一个人创建、授权或重置过申请人与您的账号，请由其他人审批。",
                f"Within {hours} hours one person had a hand in both the requester's account and yours. "
                "Somebody else must decide.",
            ),
        )


def _behind(changes: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """Who may act as whom, the account itself included, from (account, who had a hand in it) in the order of time.

    The order matters: whoever reaches an account later has no part in what it did before.
    """
    behind: dict[str, set[str]] = {}
    for person_id, by_id in changes:
        behind.setdefault(person_id, {person_id}).update(behind.get(by_id, {by_id}))
    return behind

"""Whether an approver is a second person in truth, or one whom the requester made or took over."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from core import clock
from core.db import session
from core.errors import Forbidden
from core.runtime import settings
from core.text import Text
from identity import setup
from identity.models import AccountChange


def require_independent(approver_id: str, requester_id: str) -> None:
    """Raise Forbidden when the requester had a hand in the approver's account a short while ago, through others too.

    A hand is: created it, granted a role, reset password or second factor. A young installation cannot ask this yet,
    since all its accounts are new.
    """
    span = timedelta(seconds=settings().approver_min_age)
    since = clock.now() - span
    if setup.installed_at() > since:
        return
    query = select(AccountChange.person_id, AccountChange.by_id).where(AccountChange.at > since)
    reached = {requester_id}
    # In the order of time: a hand counts only after the one who lent it was reached.
    for person_id, by_id in session().execute(query.order_by(AccountChange.at, AccountChange.id)):
        if by_id in reached:
            reached.add(person_id)
    if approver_id in reached:
        hours = max(1, round(span.total_seconds() / 3600))
        raise Forbidden(
            "approver_not_independent",
            Text(
                f"申请人在 {hours} 小时内创建、授权或重置过您的账号，请由其他人审批。",
                f"The requester had a hand in your account within {hours} hours. Somebody else must decide.",
            ),
        )

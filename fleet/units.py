"""An org unit stays while phones in the fleet, or tokens that bring them, belong to it."""

from __future__ import annotations

from sqlalchemy import select

from core import clock
from core.db import session
from core.text import Text
from fleet.models import Device, EnrollmentToken
from fleet.states import LIVING
from identity.guards import before_unit_removal


@before_unit_removal
def why_unit_stays(unit_id: str) -> Text | None:
    """The reason for a unit to stay, if this room has one."""
    phone = select(Device.id).where(Device.org_unit_id == unit_id, Device.state.in_(LIVING)).limit(1)
    if session().scalar(phone):
        return Text("请先将该组织的设备移走或停用。", "Move or retire the unit's devices first.")
    token = select(EnrollmentToken.id).where(
        EnrollmentToken.org_unit_id == unit_id,
        EnrollmentToken.revoked_at.is_(None),
        EnrollmentToken.expires_at > clock.now(),
        EnrollmentToken.used < EnrollmentToken.max_uses,
    )
    if session().scalar(token.limit(1)):
        return Text("请先吊销该组织的注册码。", "Revoke the unit's enrollment tokens first.")
    return None

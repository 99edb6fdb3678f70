"""A phone that floods is cut, as the page says."""

from __future__ import annotations

from sqlalchemy import select

from core.db import session
from core.outbox import OutboxRow
from core.uow import unit_of_work
from fleet.presence import KICK_EFFECT
from mqtt import broker_effects, effects
from mqtt.events import flooded

DEVICE = "3f2b8c1e-5d47-4a90-9c3e-7b1a2d4e6f80"


def test_the_session_of_a_flooding_phone_is_cut_each_time_it_is_told(app: object) -> None:
    for _ in range(2):
        with unit_of_work():
            flooded.send(None, devices=[DEVICE])
    rows = session().scalars(select(OutboxRow).where(OutboxRow.effect == KICK_EFFECT)).all()
    assert [row.key for row in rows] == [DEVICE, DEVICE]


def test_the_effect_is_the_one_that_cuts_sessions() -> None:
    assert effects.performer(KICK_EFFECT) is broker_effects.cut_sessions

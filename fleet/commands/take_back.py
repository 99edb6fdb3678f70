"""Taking back what the broker still holds for an absent phone: a message that was handed out ends in no other way.

A clean start under the phone's name drops what waits for it; the next hello brings back all that still counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select

from core import clock, outbox
from core.crypto.jwk import SigningKey
from core.db import session
from core.outbox import Due
from fleet import presence
from fleet.commands.models import Command
from fleet.presence import KICK_EFFECT
from mqtt import effects
from mqtt.contract.limits import COMMAND_LIFE_S
from mqtt.effects import Publish

EFFECT = "take_back"
ANSWER = timedelta(seconds=20)
"""A phone that is there says `received` within moments. One that says nothing for so long has a dead connection."""
BATCH, PAUSE = 500, timedelta(seconds=3)
"""Phones that are cut at once, and the time until the next of them: the relay and their reconnecting take turns."""


def take_back(commands: Sequence[Command]) -> None:
    """Drop these commands from the broker's queues, where it may hold them and no word of the phone tells otherwise.

    A phone that is there has them already; it is cut only if it stays silent.
    """
    now = clock.now()
    handed = [one for one in commands if _may_wait(one, int(now.timestamp()))]
    if not handed:
        return
    here = presence.online({one.device_id for one in handed})
    outbox.enqueue(EFFECT, [one.id for one in handed if one.device_id not in here])
    outbox.enqueue(EFFECT, [one.id for one in handed if one.device_id in here], None, now + ANSWER)


@effects.renders(EFFECT, writes=True)
def render(rows: Sequence[Due], _key: SigningKey) -> list[Publish]:
    """Have the phones cut that have not said a word of these commands by now; it publishes nothing."""
    query = select(Command).where(Command.id.in_([row.key for row in rows]))
    now = int(clock.now().timestamp())
    outbox.enqueue(KICK_EFFECT, sorted({one.device_id for one in session().scalars(query) if _may_wait(one, now)}))
    return []


def take_back_everything() -> int:
    """Drop whatever the broker holds for any phone: a restored database does not know what that is.

    Phones of known commands come first, then all others batch by batch, as long as a command handed out before the
    restore can live. Returns how many phones.
    """
    now = clock.now()
    fleet = presence.living()
    known = set(session().scalars(select(Command.device_id).where(Command.last_exp > int(now.timestamp()))))
    fleet.sort(key=lambda device_id: device_id not in known)
    reachable = fleet[: BATCH * int(COMMAND_LIFE_S / PAUSE.total_seconds())]
    for number, start in enumerate(range(0, len(reachable), BATCH)):
        outbox.enqueue(KICK_EFFECT, reachable[start : start + BATCH], None, now + PAUSE * number)
    return len(reachable)


def _may_wait(command: Command, now: int) -> bool:
    return command.result_iat is None and command.last_exp is not None and command.last_exp > now

"""The order in which rows of phones are locked: `devices`, `presence`, then all else about them, each in key order.

Whoever changes a phone from the web takes its row first. Ingest does so for the phones that say more than that they are
there, before the first handler of a batch: the next one may be at a row that somebody who waits for us holds.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from core.bulk import texts
from core.db import session
from core.uow import start_writing
from fleet import presence
from fleet.models import Device
from mqtt.contract.names import Up
from mqtt.routes import Inbound

PRESENCE_ALONE = frozenset({str(Up.HEARTBEAT), str(Up.PRESENCE)})


def hold_senders(batch: Sequence[Inbound]) -> None:
    """Lock what a batch of device messages is going to change; on SQLite a writer is alone anyway.

    Heartbeats by themselves lock their rows when they read them, and only those.
    """
    current, kinds = session(), {message.kind for message in batch}
    if current.get_bind().dialect.name == "sqlite" or (len(kinds) < 2 and kinds <= PRESENCE_ALONE):
        return
    start_writing()
    talking = {message.device_id for message in batch if message.kind not in PRESENCE_ALONE}
    if talking:
        rows = select(Device.id).where(Device.id.in_(texts(current, talking))).order_by(Device.id)
        # A command, or a hello's first row, may refer to the phone meanwhile.
        current.execute(rows.with_for_update(key_share=True))
    presence.hold({message.device_id for message in batch})

"""Durable ingest: heartbeats of 100,000 phones, acknowledged after their commit, against a paho that does nothing."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select

from bench import fleet_rows
from bench.broker import BenchBroker
from bench.installation import Installation, child, eventually
from bench.publisher import Publisher
from bench.registry import Context, Figure, measures, say
from core import clock
from core.db import db
from fleet.models import Presence
from mqtt.contract import topics
from mqtt.contract.heartbeat import Heartbeat, Queue
from mqtt.contract.names import Up

LEAST = 0.4
DRAIN_SECONDS = 300.0


@measures("ingest", "durable ingest of heartbeats")
def run(context: Context) -> Iterator[Figure]:
    """On each database: the same bytes lie in two sessions' queues; stock paho drains one, the worker the other."""
    count = context.size(100_000, 1_000)
    for database in context.databases:
        with context.database(database) as (folder, url):
            yield _measure(database, Installation.make(folder, url), count, context.rounds)


def _measure(database: str, here: Installation, count: int, rounds: int) -> Figure:
    say(f"{database}: {count} phones into the table")
    ids = fleet_rows.make_ids(count, seed=1)
    fleet_rows.insert_fleet(here.app, ids)
    broker = here.broker().start()
    ours: list[float] = []
    theirs: list[float] = []
    try:
        _make_sessions(here, broker)
        for number in range(rounds):
            messages = heartbeats(ids, number)
            _fill(broker, messages)
            order = [_stock, _server] if number % 2 == 0 else [_server, _stock]
            seconds = {step: step(here, broker, messages) for step in order}
            ours.append(count / seconds[_server])
            theirs.append(count / seconds[_stock])
            say(f"{database}: {ours[-1]:,.0f}/s of {theirs[-1]:,.0f}/s = {ours[-1] / theirs[-1]:.2f}")
    finally:
        here.close()
        broker.stop()
    size = len(messages[0][1])
    detail = {"phones": count, "bytes": size, "database": database}
    return Figure("ingest", f"ingest, {database}", "msg/s", ours, "stock paho", theirs, least=LEAST, detail=detail)


def heartbeats(ids: Sequence[str], seed: int) -> list[tuple[str, bytes]]:
    """One heartbeat for each phone as the reference agent sends it, in random order."""
    order = list(ids)
    random.Random(seed).shuffle(order)
    body = Heartbeat(
        at=clock.now(),
        battery=0.5 + seed / 100,
        charging=False,
        network="wifi",
        storage_free=20_000_000_000,
        uptime_s=4242 + seed,
        queue=Queue(records=0),
        generation=1_764_000_000_123,
        bundle="cd" * 32,
        posture=fleet_rows.POSTURE,
        agent_version="1.0.0",
    )
    payload = body.encode()
    return [(topics.up(device_id, Up.HEARTBEAT), payload) for device_id in order]


def _make_sessions(here: Installation, broker: BenchBroker) -> None:
    """Both readers connect once, so that the broker keeps a queue for each."""
    here.start("worker")
    child("bench.stock", "hold", str(broker.socket)).wait()
    log = here.settings.data_dir / "broker" / "bench.log"
    here.wait(lambda: "shouji-ingest" in log.read_text(), "the worker's first session")
    here.stop("worker")


def _fill(broker: BenchBroker, messages: Sequence[tuple[str, bytes]]) -> None:
    publisher = Publisher(broker.socket)
    publisher.publish(messages)
    publisher.close()


def _stock(_here: Installation, broker: BenchBroker, messages: Sequence[tuple[str, bytes]]) -> float:
    process = child("bench.stock", "drain", str(broker.socket), str(len(messages)))
    output, _ = process.communicate()
    return float(json.loads(output)["seconds"])


def _server(here: Installation, _broker: BenchBroker, messages: Sequence[tuple[str, bytes]]) -> float:
    """Seconds from the first message's receipt to the commit of the last; every row must be there."""
    said = Heartbeat.read(messages[0][1]).at
    last = messages[-1][0].split("/")[3]
    here.start("worker")
    try:
        with here.app.app_context():
            eventually(lambda: _stored(last, said), DRAIN_SECONDS, "the last heartbeat's commit")
            ended = clock.now()
            began = _first_seen(said, len(messages))
    finally:
        here.stop("worker")
    return (ended - began) / timedelta(seconds=1)


def _stored(device_id: str, said: datetime) -> bool:
    with db.engine.connect() as connection:
        return connection.scalar(select(Presence.heartbeat_at).where(Presence.device_id == device_id)) == said


def _first_seen(said: datetime, count: int) -> datetime:
    query = select(func.min(Presence.last_seen_at), func.count()).where(Presence.heartbeat_at == said)
    with db.engine.connect() as connection:
        began, stored = connection.execute(query).one()
    if stored != count:
        raise RuntimeError(f"{stored} of {count} heartbeats were stored")
    return clock.from_wire(began.isoformat()) if isinstance(began, datetime) else began

"""Fan-out: 5,000 connected phones get a new desired state, every report is stored; against paho with its defaults."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import func, select

from bench import phone_identities
from bench.broker import BenchBroker
from bench.installation import Installation, child, eventually
from bench.phone_identities import Identities
from bench.registry import Context, Figure, measures, say
from core import clock
from core.db import db
from demo.api import Api
from mqtt.contract.topics import PREFIX
from policies.models import DesiredState, ReportedHistory, ReportedState

LEAST = 1.0
STORED_SECONDS = 300.0
POLL_SECONDS = 0.02
DOCUMENTS = """
apiVersion: shouji/v1
kind: Policy
metadata: {{name: bench, title: Bench}}
spec:
  protection: {{deny: [delete_message, clear_conversation, delete_contact]}}
  device: {{heartbeat_seconds: {seconds}, require: [encryption, passcode, agent_admin], forbid: [root]}}
---
apiVersion: shouji/v1
kind: Assignment
metadata: {{name: bench-everywhere}}
spec: {{policy: bench, to: {{org_unit: /}}}}
"""


@measures("fanout", "a new desired state for 5,000 connected phones, every report stored")
def run(context: Context) -> Iterator[Figure]:
    """On each database: the same phones answer the baseline's messages and ours in turn."""
    count = context.size(5_000, 30)
    for database in context.databases:
        with context.database(database) as (folder, url):
            yield _measure(database, Installation.make(folder, url), count, context.rounds)


def _measure(database: str, here: Installation, count: int, rounds: int) -> Figure:
    phones = phone_identities.make(here, count)
    broker = here.broker().start()
    crowd = _crowd(phones, here)
    ours: list[float] = []
    theirs: list[float] = []
    try:
        here.start("web")
        here.start("worker")
        api = here.api()
        _apply(here, api, count, number=0)
        sizes = _ask(crowd)
        for number in range(1, rounds + 1):
            order = ["stock", "server"] if number % 2 else ["server", "stock"]
            for step in order:
                if step == "stock":
                    theirs.append(count / _stock(broker, phones, int(sizes["desired_bytes"])))
                else:
                    ours.append(count / _apply(here, api, count, number))
            say(f"{database}: {ours[-1]:,.0f}/s of {theirs[-1]:,.0f}/s = {ours[-1] / theirs[-1]:.2f}")
    finally:
        crowd.kill()
        here.close()
        broker.stop()
    detail = {"phones": count, "database": database, **sizes}
    name = f"fan-out and reports, {database}"
    return Figure("fanout", name, "phones/s", ours, "stock paho", theirs, least=LEAST, detail=detail)


def _crowd(phones: Identities, here: Installation) -> subprocess.Popen[str]:
    say(f"connecting {len(phones.ids)} phones over TLS")
    crowd = child("bench.phones", str(phones.folder), str(here.settings.mqtt_port))
    if crowd.stdout is None or json.loads(crowd.stdout.readline())["connected"] != len(phones.ids):
        raise RuntimeError("the phones did not connect")
    return crowd


def _ask(crowd: subprocess.Popen[str]) -> dict[str, float]:
    if crowd.stdin is None or crowd.stdout is None:
        raise RuntimeError("the phones have no pipes")
    crowd.stdin.write("?\n")
    crowd.stdin.flush()
    return dict(json.loads(crowd.stdout.readline()))


def _stock(broker: BenchBroker, phones: Identities, size: int) -> float:
    process = child("bench.stock", "fan-out", str(broker.socket), str(size))
    output, _ = process.communicate("\n".join(f"{PREFIX}/d/{device_id}/down/bench" for device_id in phones.ids))
    return float(json.loads(output)["seconds"])


def _apply(here: Installation, api: Api, count: int, number: int) -> float:
    """Publish a policy that differs from the last; seconds until every phone's report of it is committed."""
    with here.app.app_context():
        heard = _heard()
    since, began = clock.now(), clock.monotonic()
    api.post("documents/apply?publish=true", DOCUMENTS.format(seconds=60 + number), "application/yaml")
    with here.app.app_context():
        eventually(lambda: _heard() >= heard + count, STORED_SECONDS, "every report", POLL_SECONDS)
        eventually(lambda: _stored(since) >= count, STORED_SECONDS, "every report", POLL_SECONDS)
        seconds = clock.monotonic() - began
        if (right := _in_force()) != count:
            raise RuntimeError(f"{right} of {count} phones have reported their desired state as applied")
    return seconds


def _heard() -> int:
    """How many reports were ever kept, or a little more: a hint that costs nothing while everybody is busy."""
    with db.engine.connect() as connection:
        return connection.scalar(select(func.max(ReportedHistory.id))) or 0


def _stored(since: datetime) -> int:
    query = select(func.count()).select_from(ReportedState).where(ReportedState.received_at >= since)
    with db.engine.connect() as connection:
        return connection.scalar(query) or 0


def _in_force() -> int:
    same = (ReportedState.generation == DesiredState.generation) & (ReportedState.bundle == DesiredState.bundle)
    query = select(func.count()).select_from(ReportedState)
    query = query.join(DesiredState, (DesiredState.device_id == ReportedState.device_id) & same)
    with db.engine.connect() as connection:
        return connection.scalar(query.where(ReportedState.outcome == "applied")) or 0

"""2,000 reference phones over TLS for ten minutes with three reconnect storms: nothing lost, memory flat.

Unlike the light phones of other measurements these are whole: they verify what they are told, keep a chain of records
and are held against the server's in the end, to the last record.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import case, select

from agent.fleet.check import Checker
from bench.installation import Installation, child, eventually
from bench.processes import by_part
from bench.registry import Context, Figure, measures, say
from core import clock
from core.db import db
from fleet.models import Presence

SOON_SECONDS = 60.0
FLAT = 1.15
"""Growth from the first minute to the last: allocators keep a little of what a storm took."""
CONNECT_SECONDS = 900.0
SETTLE_SECONDS = 120
POLL_SECONDS = 0.25
SCENARIO = """
title = "{count} phones, three storms"
seconds = {seconds}
settle_s = {settle}
pace = {pace}
heartbeat_s = 60
{storms}
"""
STORM = '[[step]]\nat = {at}\ndo = "storm"\n'


@measures("crowd", "2,000 whole phones for ten minutes, three reconnect storms")
def run(context: Context) -> Iterator[Figure]:
    """On each database."""
    count, seconds, pace = context.size(2_000, 5), context.size(600, 6), context.size(12, 1_800)
    for database in context.databases:
        with context.database(database) as (folder, url):
            here = Installation.make(folder, url)
            try:
                here.start()
                yield from _measure(here, database, count, seconds, pace)
            finally:
                here.close()


def _measure(here: Installation, database: str, count: int, seconds: int, pace: int) -> Iterator[Figure]:
    ledger = here.folder / "ledger.jsonl"
    fleet = _fleet(here, ledger, count, seconds, pace)
    say(f"{database}: enrolling {count} phones")
    eventually(lambda: _all_here(here, count), CONNECT_SECONDS, "every phone's hello", POLL_SECONDS)
    early = _memory(here)
    storms, late = _watch(here, fleet)
    say(f"{database}: back after {', '.join(f'{one:.1f} s' for one in storms)}")
    checker = Checker(here.settings.base_url)
    checker.sign_in("admin", here.password)
    missing = checker.check(ledger)
    detail = {"database": database, "phones": count, "records": checker.records, "missing": missing}
    name = f"phones whose {checker.records:,} records are all held, {database}"
    yield Figure("crowd", name, "phones", [count - len(missing)], "phones", [count], least=1.0, detail=detail)
    yield Figure("crowd", f"storm until all are back, {database}", "s", storms, most=SOON_SECONDS, detail=detail)
    yield Figure("crowd", f"memory of all parts, {database}", "MiB pss", [late], "first", [early], most=FLAT)


def _fleet(here: Installation, ledger: Path, count: int, seconds: int, pace: int) -> subprocess.Popen[str]:
    storms = "\n".join(STORM.format(at=seconds * share) for share in (0.2, 0.5, 0.8))
    file = here.folder / "scenario.toml"
    file.write_text(
        SCENARIO.format(count=count, seconds=seconds, settle=SETTLE_SECONDS, pace=pace, storms=storms), "utf-8"
    )
    body = {"max_uses": count, "expires_in": 86_400}
    code = str(here.api().post("enrollment-tokens", body)["token"])
    words = ("--server", here.settings.base_url, "--code", code, "--count", str(count), "--quiet", "--json")
    return child("agent", "fleet", *words, "--scenario", str(file), "--ledger", str(ledger))


def _watch(here: Installation, fleet: subprocess.Popen[str]) -> tuple[list[float], float]:
    """Until the fleet ends: seconds that each storm lasted, and the memory of all parts after the last.

    A storm is counted from the last look at which every connection was as before to the first at which none is.
    Raises RuntimeError when the fleet was not settled in the end.
    """
    storms: list[float] = []
    before, calm, memory = _connections(here), clock.monotonic(), 0.0
    while fleet.poll() is None:
        now, connections = clock.monotonic(), _connections(here)
        others = sum(connections[device] not in (None, before[device]) for device in before)
        if others == len(before):
            storms.append(now - calm)
            before, memory = connections, _memory(here)
        if others in (0, len(before)):
            calm = now
        time.sleep(POLL_SECONDS)
    output = fleet.stdout.read() if fleet.stdout else ""
    if fleet.returncode or not storms:
        raise RuntimeError(f"the fleet ended with {fleet.returncode} after {len(storms)} storms: {output}")
    say(f"fleet: {output.splitlines()[-1]}")
    return storms, memory


def _all_here(here: Installation, count: int) -> bool:
    connections = _connections(here)
    return len(connections) == count and None not in connections.values()


def _memory(here: Installation) -> float:
    return sum(pss for _, pss in by_part(here).values())


def _connections(here: Installation) -> dict[str, str | None]:
    """The connection of each phone; None while it is away."""
    query = select(Presence.device_id, case((Presence.online, Presence.connection)))
    with here.app.app_context(), db.engine.connect() as connection:
        return {str(device): here for device, here in connection.execute(query)}

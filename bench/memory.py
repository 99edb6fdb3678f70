"""Memory of each process of a whole server, idle and with thousands of phones connected."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator

from bench import phone_identities
from bench.installation import Installation, child
from bench.processes import by_part
from bench.registry import Context, Figure, measures, say

SETTLE_SECONDS = 5.0


@measures("memory", "memory of each process")
def run(context: Context) -> Iterator[Figure]:
    """On SQLite alone: the database server's memory is not ours."""
    count = context.size(5_000, 30)
    with context.database("sqlite") as (folder, url):
        here = Installation.make(folder, url)
        phones = phone_identities.make(here, count)
        try:
            here.start()
            api = here.api()
            api.get("devices?limit=200")
            settle = 0.5 if context.quick else SETTLE_SECONDS
            time.sleep(settle)
            idle = by_part(here)
            say(f"connecting {count} phones over TLS")
            crowd = child("bench.phones", str(phones.folder), str(here.settings.mqtt_port))
            busy = _with(crowd, here, count, settle)
        finally:
            here.close()
    for part, (rss, pss) in busy.items():
        was = idle.get(part, (rss, pss))
        detail = {"rss_idle": was[0], "rss": rss, "pss_idle": was[1], "pss": pss, "phones": count}
        name = f"{part}, {count} phones (idle rss {was[0]:.0f}, pss {was[1]:.0f}; now pss {pss:.0f})"
        yield Figure("memory", name, "MiB rss", [rss], "idle", [was[0]], detail=detail)


def _with(
    crowd: subprocess.Popen[str], here: Installation, count: int, settle: float
) -> dict[str, tuple[float, float]]:
    try:
        if crowd.stdout is None or json.loads(crowd.stdout.readline())["connected"] != count:
            raise RuntimeError("the phones did not connect")
        time.sleep(settle)
        return by_part(here)
    finally:
        crowd.kill()

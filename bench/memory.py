"""Memory of each process of a whole server, idle and with thousands of phones connected."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from bench import phone_identities
from bench.installation import Installation, child
from bench.registry import Context, Figure, measures, say
from core.process import NAME_PREFIX

SETTLE_SECONDS = 5.0
MIB = 1024.0
FIELD = re.compile(r"^(Rss|Pss):\s+(\d+) kB", re.MULTILINE)
PARTS = {
    f"{NAME_PREFIX}worker": "worker",
    f"{NAME_PREFIX}broker": "broker watch",
    f"{NAME_PREFIX}web": "web",
    "mosquitto": "mosquitto",
}


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
            idle = _by_part(here)
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
        return _by_part(here)
    finally:
        crowd.kill()


def _by_part(here: Installation) -> dict[str, tuple[float, float]]:
    """Resident and proportional memory in MiB, summed over the processes of each part."""
    found: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for pid, name in _descendants(here.children["all"].pid):
        part = PARTS.get(name, "supervisor")
        fields = dict(FIELD.findall(Path(f"/proc/{pid}/smaps_rollup").read_text()))
        found[part][0] += int(fields["Rss"]) / MIB
        found[part][1] += int(fields["Pss"]) / MIB
    return {part: (sums[0], sums[1]) for part, sums in sorted(found.items())}


def _descendants(root: int) -> list[tuple[int, str]]:
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    family = {root}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return [(pid, Path(f"/proc/{pid}/comm").read_text().strip()) for pid in sorted(family)]

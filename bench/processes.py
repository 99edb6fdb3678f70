"""Memory of each part of a running installation, as the kernel counts it."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from bench.installation import Installation
from core.process import NAME_PREFIX

MIB = 1024.0
FIELD = re.compile(r"^(Rss|Pss):\s+(\d+) kB", re.MULTILINE)
PARTS = {
    f"{NAME_PREFIX}worker": "worker",
    f"{NAME_PREFIX}broker": "broker watch",
    f"{NAME_PREFIX}web": "web",
    "mosquitto": "mosquitto",
}


def by_part(here: Installation) -> dict[str, tuple[float, float]]:
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

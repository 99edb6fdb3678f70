"""What a simulation did, a line each, so that the server can be held against it to the last message."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from agent.clock import monotonic
from agent.phone import Phone


class Ledger:
    """Writes JSON Lines; `t` is seconds since it was opened."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._began = monotonic()
        self.deeds: Counter[str] = Counter()

    def did(self, index: int, phone: Phone, deed: str, finding: str | None) -> None:
        """A deed of one phone."""
        self.deeds[deed] += 1
        self._write({"did": deed, "phone": index, "device": phone.id, "finding": finding})

    def ended(self, index: int, phone: Phone, weather: Counter[str]) -> None:
        """What a phone was when the scenario ended: the server must hold exactly this."""
        archive = phone.archive
        self._write(
            {
                "did": "end",
                "phone": index,
                "device": phone.id,
                "records": archive.last_seq,
                "archived": archive.watermark,
                "head": archive.last_head.hex(),
                "generation": phone.policy.generation,
                "bundle": phone.policy.digest,
                "commands": phone.commands.finished,
                "connects": phone.connection.connects,
                "weather": dict(weather),
            }
        )

    def _write(self, line: dict[str, Any]) -> None:
        if self._stream is not None:
            self._stream.write(json.dumps({"t": round(monotonic() - self._began, 3), **line}) + "\n")
            self._stream.flush()


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a ledger."""
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)

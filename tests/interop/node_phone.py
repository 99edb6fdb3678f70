"""The phone in JavaScript as a child process: orders in, events out, both as lines of JSON."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "node"
WAIT_SECONDS = 30.0


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the folder to its end."""
    return subprocess.run(
        [_node(), *arguments], cwd=FOLDER, capture_output=True, text=True, timeout=WAIT_SECONDS, check=False
    )


def _node() -> str:
    found = shutil.which("node") or shutil.which("nodejs")
    assert found, "node is missing: `make setup-test` installs it"
    assert (FOLDER / "node_modules" / "mqtt").is_dir(), "its packages are missing: run `make setup-test`"
    return found


class NodePhone:
    """One phone; `seen` is everything that it told so far."""

    def __init__(self, qr: dict[str, Any], serial: str) -> None:
        self.seen: list[dict[str, Any]] = []
        self._told: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.process = subprocess.Popen(
            [_node(), "phone.mjs", json.dumps(qr), serial],
            cwd=FOLDER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        if self.process.stdout:
            for line in self.process.stdout:
                self._told.put(json.loads(line))
        self._told.put(None)

    def order(self, do: str, **members: Any) -> None:
        """Have it do something."""
        if self.process.stdin:
            self.process.stdin.write(json.dumps({"do": do, **members}) + "\n")
            self.process.stdin.flush()

    def wait(self, event: str, **members: Any) -> dict[str, Any]:
        """The first event from now on, or already told and not yet waited past, that has these members."""
        while True:
            try:
                told = self._told.get(timeout=WAIT_SECONDS)
            except queue.Empty:
                raise TimeoutError(f"no {event} {members} after {self.seen}") from None
            if told is None:
                raise EOFError(f"the phone ended before {event} {members}; it told {self.seen}")
            self.seen.append(told)
            if _is(told, event, members):
                return told

    def ensure(self, event: str, **members: Any) -> None:
        """Wait for an event that may have been told already, in whatever order with others."""
        if not any(_is(told, event, members) for told in self.seen):
            self.wait(event, **members)

    def close(self) -> int:
        """End it; the exit status."""
        if self.process.stdin:
            self.process.stdin.close()
        try:
            return self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def _is(told: dict[str, Any], event: str, members: dict[str, Any]) -> bool:
    return bool(told["event"] == event and all(told.get(name) == value for name, value in members.items()))

"""The Mosquitto child: started so that it dies with us, found again by other processes, stopped for sure."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from config.settings import Settings
from core.clock import monotonic
from core.files import replace_file
from core.process import end_with
from core.text import Text
from mqtt.broker.errors import BrokerUnusable
from mqtt.broker.files import BrokerFiles

STOP_SECONDS = 15.0
"""Mosquitto saves its store when it is told to stop; a large one takes a while."""
FALLBACK_PATHS = (Path("/usr/sbin/mosquitto"), Path("/usr/local/sbin/mosquitto"))


@dataclass(frozen=True, slots=True)
class BrokerProcess:
    """A running Mosquitto of ours, whoever started it: its pid, and the kernel's start time of that very process."""

    pid: int
    started: int

    def alive(self) -> bool:
        """Whether it still runs (and the pid was not given to another process)."""
        return _start_time(self.pid) == self.started

    def reload(self) -> bool:
        """Have it read its files again; False when it is gone."""
        return self._signal(signal.SIGHUP)

    def stop(self) -> None:
        """Stop it: politely, then for sure."""
        self._signal(signal.SIGTERM)
        if not self._gone_within(STOP_SECONDS):
            self._signal(signal.SIGKILL)
            self._gone_within(STOP_SECONDS)

    def _signal(self, number: signal.Signals) -> bool:
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            if not self.alive():
                return False
            signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(descriptor)
        return True

    def _gone_within(self, seconds: float) -> bool:
        end = monotonic() + seconds
        while self.alive():
            if monotonic() > end:
                return False
            time.sleep(0.01)
        return True


def find_mosquitto(settings: Settings) -> Path:
    """The program. Raises BrokerUnusable that says how to install it."""
    found = settings.mosquitto_path or shutil.which("mosquitto")
    candidates = [Path(found)] if found else list(FALLBACK_PATHS)
    for path in candidates:
        if os.access(path, os.X_OK):
            return path
    raise BrokerUnusable(
        Text(
            "未找到 Mosquitto 2.0：请运行 apt-get install mosquitto，或设置 SHOUJI_MOSQUITTO_PATH。",
            "Mosquitto 2.0 was not found: run `apt-get install mosquitto`, or set SHOUJI_MOSQUITTO_PATH.",
        )
    )


def spawn(program: Path, files: BrokerFiles) -> tuple[subprocess.Popen[bytes], BrokerProcess, IO[bytes]]:
    """Start Mosquitto and note which process it is. Call it from a thread that lives as long as the broker shall.

    Linux ends the child when the *thread* that started it ends, so in practice this is the main thread.
    """
    parent = os.getpid()
    child = subprocess.Popen(
        [str(program), "-c", str(files.config)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        process_group=0,  # Ctrl-C at a terminal is for the server, which then stops its broker last
        preexec_fn=lambda: _before_exec(parent),  # noqa: PLW1509 -- it only makes system calls
    )
    process = BrokerProcess(child.pid, _start_time(child.pid) or 0)
    replace_file(files.pid, json.dumps({"pid": process.pid, "started": process.started}).encode())
    assert child.stderr is not None  # noqa: S101 -- a pipe was asked for
    return child, process, child.stderr


def running(files: BrokerFiles) -> BrokerProcess | None:
    """The Mosquitto that runs with these files, or None. A pid file left by a crash names no process any more."""
    try:
        noted = json.loads(files.pid.read_bytes())
        process = BrokerProcess(int(noted["pid"]), int(noted["started"]))
        command = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError, KeyError, TypeError):
        return None
    ours = os.fsencode(files.config) in command
    return process if ours and process.alive() else None


def _before_exec(parent: int) -> None:
    end_with(parent)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _start_time(pid: int) -> int | None:
    """Field 22 of /proc/PID/stat; None for a process that is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else int(fields[19])

"""A whole installation as its operator runs it: `flask serve` in a folder of its own, driven over HTTP and MQTT."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app import create_app
from config.loading import load
from core.db import db
from core.process import NAME_PREFIX, with_parent_death_signal
from demo.api import Api, wait_until
from tests.broker.parts import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
PASSWORD = "Correct-Horse-99"
START_SECONDS = 90.0
STOP_SECONDS = 30.0


@dataclass
class Server:
    """One installation; `environment` holds its SHOUJI_ settings."""

    folder: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    api: Api = field(init=False)

    def __post_init__(self) -> None:
        self.api = Api(self.base_url)

    @classmethod
    def make(cls, folder: Path, database_url: str | None = None, **settings: object) -> Server:
        """An installation that does not run yet, on free ports."""
        environment = {
            "SHOUJI_DATA_DIR": str(folder / "data"),
            "SHOUJI_HTTP_PORT": str(free_port()),
            "SHOUJI_MQTT_PORT": str(free_port()),
            "SHOUJI_ADMIN_PASSWORD": PASSWORD,
            "SHOUJI_APPROVER_MIN_AGE": "0",
            "SHOUJI_APPROVAL_TO_LOOSEN": "false",
            "SHOUJI_LOG_LEVEL": "INFO",
            "SHOUJI_WEB_WORKERS": "1",
            **{f"SHOUJI_{name.upper()}": str(value) for name, value in settings.items()},
        }
        if database_url:
            environment["SHOUJI_DATABASE_URL"] = database_url
        return cls(folder, environment)

    @property
    def base_url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.environment['SHOUJI_HTTP_PORT']}"

    @property
    def data(self) -> Path:
        """Its data folder."""
        return Path(self.environment["SHOUJI_DATA_DIR"])

    def start(self) -> Server:
        """Start it and wait until every part is there; sign in as the administrator."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flask", "--app", "app", "serve"],
                cwd=ROOT,
                env={**_clean_environment(), **self.environment},
                stdout=log,
                stderr=log,
                preexec_fn=with_parent_death_signal,  # noqa: PLW1509
            )
        self.wait(self.api.ready, START_SECONDS, "the server's start")
        self.api.sign_in("admin", PASSWORD)
        return self

    def wait(self, done: Callable[[], object], seconds: float = 30.0, what: str = "it") -> None:
        """Poll until true. Raises TimeoutError with the end of the log."""
        try:
            wait_until(done, seconds, what)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.log()[-4000:]}") from None

    def log(self) -> str:
        """What it wrote."""
        path = self.folder / "server.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def flask(self, *words: str) -> str:
        """Run one of the operator's commands; what it printed. Raises AssertionError when it fails.

        It runs in this process, on an application that knows of the server what a process of its own would.
        """
        app = create_app(load({**self.environment}))
        run = app.test_cli_runner().invoke(args=words)
        with app.app_context():
            db.engine.dispose()
        assert run.exit_code == 0, f"{words}: {run.output[-6000:]}"
        return run.stdout

    def metrics(self) -> str:
        """The figures at /metrics."""
        with urllib.request.urlopen(f"{self.base_url}/metrics", timeout=30) as answer:
            return str(answer.read().decode())

    def outbox_rows(self) -> int:
        """How many effects wait."""
        (line,) = (line for line in self.metrics().splitlines() if line.startswith("shouji_outbox_rows "))
        return int(float(line.split()[1]))

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(STOP_SECONDS)
        self.process = None

    def kill(self) -> None:
        """End it without warning."""
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process = None

    def pids(self) -> dict[int, str]:
        """Every process of this installation that is alive, with the name that `ps` shows."""
        found = {}
        needle = str(self.data).encode()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                environment, name = (entry / "environ").read_bytes(), (entry / "comm").read_text().strip()
                zombie = "State:\tZ" in (entry / "status").read_text()
            except OSError:
                continue
            if needle in environment and not zombie and int(entry.name) != os.getpid():
                found[int(entry.name)] = name
        return found

    def pid_of(self, part: str) -> int:
        """The process of one part: `worker`, `broker`, `mosquitto` or `web` (its master)."""
        return min(self.pids_of(part))

    def pids_of(self, part: str) -> set[int]:
        """The processes of one part."""
        return {pid for pid, name in self.pids().items() if name.removeprefix(NAME_PREFIX) == part}

    def kill_part(self, part: str) -> None:
        """kill -9 of one part."""
        os.kill(self.pid_of(part), signal.SIGKILL)

    def token(self, **options: Any) -> str:
        """A fresh enrollment code."""
        body = {"max_uses": 1000, "expires_in": 86400, **options}
        return str(self.api.post("enrollment-tokens", body)["token"])

    def device(self, device_id: str) -> dict[str, Any]:
        """A phone as the API shows it."""
        return dict(self.api.get(f"devices/{device_id}"))


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("SHOUJI_")}


def pause(seconds: float) -> None:
    """Let time pass."""
    time.sleep(seconds)

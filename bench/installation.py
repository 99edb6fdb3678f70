"""A throw-away installation: its database filled by us, its roles run as processes, as an operator runs them."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask

from app import create_app
from bench.broker import BenchBroker
from config.loading import load
from config.settings import PREFIX, Settings
from core import clock
from core.process import flask_command, with_parent_death_signal
from demo.api import Api, wait_until
from serve import crl_source, prepare

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0
STOP_SECONDS = 40.0


def free_port() -> int:
    """A TCP port that is free on loopback at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Installation:
    """One installation: application in this process for filling and asking the database, roles as children."""

    folder: Path
    environment: dict[str, str]
    password: str
    settings: Settings
    app: Flask
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @classmethod
    def make(cls, folder: Path, database_url: str | None, **settings: object) -> Installation:
        """Make it, with a migrated database and the administrator `admin`."""
        password = f"bench-{secrets.token_hex(8)}"
        chosen = {
            "data_dir": folder / "data",
            "http_port": free_port(),
            "mqtt_port": free_port(),
            "admin_password": password,
            "approver_min_age": 0,
            "approval_to_loosen": False,
            "log_level": "WARNING",
            **({"database_url": database_url} if database_url else {}),
            **settings,
        }
        environment = {f"{PREFIX}{name.upper()}": str(value) for name, value in chosen.items()}
        current = load(environment)
        app = create_app(current)
        prepare(app, current)
        return cls(folder, environment, password, current, app)

    def start(self, role: str = "all") -> None:
        """Start `flask serve` in a role, or whole."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        with (self.folder / f"{role}.log").open("ab") as log:
            self.children[role] = subprocess.Popen(
                flask_command("serve", "--role", role),
                cwd=ROOT,
                env={**ours, **self.environment},
                stdout=log,
                stderr=log,
                preexec_fn=with_parent_death_signal,  # noqa: PLW1509
            )

    def stop(self, role: str = "all") -> None:
        """End a role as its operator does, and wait for that."""
        child = self.children.pop(role, None)
        if child is None:
            return
        child.terminate()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def close(self) -> None:
        """End everything."""
        for role in list(self.children):
            self.stop(role)

    def broker(self) -> BenchBroker:
        """The managed broker with a door for the baseline; the roles find it where they expect it."""
        with self.app.app_context():
            ca = self.app.extensions["shouji"].ca
        return BenchBroker(self.settings, ca, crl_source(self.app))

    def wait(self, done: Callable[[], object], what: str, seconds: float = START_SECONDS) -> None:
        """Poll until true. Raises TimeoutError with the ends of the logs, RuntimeError when a role ended."""

        def checked() -> bool:
            for role, child in self.children.items():
                if child.poll() is not None:
                    raise RuntimeError(f"{role} ended with status {child.returncode}\n{self.logs()}")
            return bool(done())

        try:
            wait_until(checked, seconds, what)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.logs()}") from None

    def api(self) -> Api:
        """The public API, signed in as administrator, once every part is there."""
        api = Api(self.settings.base_url)
        self.wait(api.ready, "the server's start")
        api.sign_in("admin", self.password)
        return api

    def logs(self) -> str:
        """The ends of the roles' logs."""
        return "\n".join(
            f"{path.name}:\n{path.read_text('utf-8', 'replace')[-3000:]}" for path in sorted(self.folder.glob("*.log"))
        )


def child(module: str, *words: str) -> subprocess.Popen[str]:
    """Start one of our own modules beside us, with pipes; it ends with us."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *words],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=with_parent_death_signal,  # noqa: PLW1509
    )


def eventually(done: Callable[[], bool], seconds: float, what: str, every: float = 0.01) -> None:
    """Poll often until true. Raises TimeoutError."""
    end = clock.monotonic() + seconds
    while not done():
        if clock.monotonic() > end:
            raise TimeoutError(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(every)

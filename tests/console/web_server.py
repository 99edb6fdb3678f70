"""The web role as it runs in life, for tests."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from flask import Flask

from core.runtime import EXTENSION

ROOT = Path(__file__).resolve().parent.parent.parent
WEB_THREADS = 12


class WebServer:
    """The web role as it runs in life: gunicorn as it is configured, on the test's database."""

    def __init__(self, app: Flask) -> None:
        settings = app.extensions[EXTENSION].settings
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self._environment = {
            "SHOUJI_DATA_DIR": str(settings.data_dir),
            "SHOUJI_DATABASE_URL": settings.database,
            "SHOUJI_HTTP_PORT": str(self.port),
            "SHOUJI_WEB_WORKERS": "1",
            "SHOUJI_WEB_THREADS": str(WEB_THREADS),
            "SHOUJI_SIGN_IN_LIMIT": "1000 per minute",
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith("SHOUJI_")}
        command = [sys.executable, "-m", "flask", "--app", "app", "serve", "--role", "web"]
        self.process = subprocess.Popen(command, cwd=ROOT, env={**plain, **self._environment})
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self.process.poll() is None and time.monotonic() < deadline, "the web server did not start"
            time.sleep(0.1)

    def stop(self) -> None:
        """End it as its supervisor does."""
        assert self.process
        self.process.terminate()
        try:
            self.process.wait(20)
        finally:
            self.process.kill()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

"""kill -9 of the demo leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bad_input.conftest import soon
from tests.support.server import ROOT, Server

PARTS = {"shouji-worker", "shouji-broker", "mosquitto", "shouji-web"}


@pytest.mark.timeout(240)
def test_kill_9_of_the_demo_ends_every_process_that_it_started(tmp_path: Path) -> None:
    server = Server.make(tmp_path)
    server.environment.pop("SHOUJI_ADMIN_PASSWORD")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SHOUJI_")}
    with (tmp_path / "demo.log").open("wb") as log:
        demo = subprocess.Popen(
            [sys.executable, "-m", "demo"], cwd=ROOT, env={**clean, **server.environment}, stdout=log, stderr=log
        )
    try:
        soon(lambda: set(server.pids().values()) >= PARTS and server.data.joinpath("phones").exists(), "all parts", 180)
    finally:
        demo.kill()
        demo.wait()
    soon(lambda: server.pids() == {}, "the end of every process", 40)

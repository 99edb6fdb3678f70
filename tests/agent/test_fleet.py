"""A fleet: many phones in one process, the same ones again from its folder, and the command line."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from agent.fleet import texts
from agent.fleet.behaviours import BEHAVIOURS
from agent.fleet.fleet import Fleet, Plan
from mqtt.contract.records import read_record
from tests.agent.conftest import QUICK
from tests.agent.fake_server import FakeServer

COUNT = 20
ROOT = Path(__file__).parents[2]


def _plan(server: FakeServer, state: Path, **more: object) -> Plan:
    plan = Plan(server.url, "T" * 26, COUNT, state, options=replace(QUICK, trace=False), workers=4)
    return replace(plan, **more)  # type: ignore[arg-type]


def test_a_fleet_lives_and_comes_back_as_the_same_phones(server: FakeServer, tmp_path: Path) -> None:
    first = Fleet(_plan(server, tmp_path / "fleet", pace=36_000.0))
    first.start()
    first.wait_connected(60)
    bundle = server.bundle({"protection": {"deny": ["screenshot"]}})
    for device in list(server.devices.values()):
        server.desire(device, bundle)
    counts = first.wait(lambda c: c["applied"] == COUNT and c["archived"] > COUNT, 30)
    assert (counts["enrolled"], counts["refused"]) == (COUNT, 0)
    command = server.command(next(iter(server.devices.values())), "lock", {"message": "x"})
    first.wait(lambda c: c["locked"] == 1 and c["commands"] == 1, 10)
    first.stop()
    server.wait(lambda: all(not d.got["presence"][-1]["online"] for d in server.devices.values()))

    again = Fleet(_plan(server, tmp_path / "fleet", pace=0.0))
    again.start()
    counts = again.wait_connected(60)
    again.stop()
    assert (len(server.devices), counts["applied"], counts["locked"]) == (COUNT, COUNT, 1)
    assert command
    for device in server.devices.values():
        assert not device.got["errors"]
        assert [read_record(text).seq for text in device.records] == list(range(1, device.through + 1))


def test_equal_seeds_give_equal_phones(server: FakeServer, tmp_path: Path) -> None:
    def serials(state: Path, seed: int) -> set[str]:
        fleet = Fleet(_plan(server, state, count=3, seed=seed, pace=0.0))
        fleet.start()
        fleet.wait(lambda c: c["enrolled"] == 3, 30)
        found = {str(phone.identity.facts["serial"]) for phone in fleet.phones}
        fleet.stop()
        return found

    same = serials(tmp_path / "a", 5)
    assert same == serials(tmp_path / "b", 5)
    assert same != serials(tmp_path / "c", 6)


def test_a_refused_enrollment_is_counted_by_its_code(server: FakeServer, tmp_path: Path) -> None:
    fleet = Fleet(_plan(server, tmp_path / "fleet", code="X" * 26, count=3))
    fleet.start()
    fleet.wait(lambda c: c["refused"] == 3, 30)
    fleet.stop()
    assert fleet.refused == {"token_invalid": 3}


def test_a_server_that_is_busy_is_asked_again(server: FakeServer, tmp_path: Path) -> None:
    busy = {"left": 2}

    def override(_method: str, path: str, _body: bytes) -> tuple[int, bytes, dict[str, str]] | None:
        if path.endswith("/enroll") and busy["left"] > 0:
            busy["left"] -= 1
            return 503, b"{}", {}
        return None

    server.override = override
    fleet = Fleet(_plan(server, tmp_path / "fleet", count=2, pace=0.0))
    fleet.start()
    fleet.wait_connected(30)
    fleet.stop()
    assert fleet.refused == {}


@pytest.mark.parametrize("behaviour", sorted(BEHAVIOURS))
def test_every_behaviour_runs(server: FakeServer, tmp_path: Path, behaviour: str) -> None:
    fleet = Fleet(_plan(server, tmp_path / "fleet", count=2, behaviour=behaviour, pace=72_000.0))
    fleet.start()
    fleet.wait_connected(30)
    if behaviour not in ("idle", "outdated"):
        fleet.wait(lambda c: c["archived"] > 3, 20)
    fleet.stop()


def test_made_up_lines_have_no_blanks_left() -> None:
    rng = random.Random(1)
    for lines in (texts.EMPLOYEE, texts.CUSTOMER, texts.DOUBTFUL):
        for line in lines:
            text = texts.line(rng, (line,), "王先生")
            assert "{" not in text
            assert text


def _agent(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "agent", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_enroll_and_run_from_the_command_line(server: FakeServer, tmp_path: Path) -> None:
    state = str(tmp_path / "cli")
    enrolled = _agent("enroll", "--server", server.url, "--code", "T" * 26, "--state", state)
    out, err = enrolled.communicate(timeout=60)
    assert enrolled.returncode == 0, err
    device = next(iter(server.devices.values()))
    assert device.id in out
    running = _agent("run", "--state", state)
    server.wait(lambda: device.got["heartbeat"], 60)
    running.send_signal(signal.SIGTERM)
    assert running.wait(20) == 0
    server.wait(lambda: not device.got["presence"][-1]["online"])


def test_a_refused_enrollment_says_why_on_the_command_line(server: FakeServer, tmp_path: Path) -> None:
    process = _agent("enroll", "--server", server.url, "--code", "bad", "--state", str(tmp_path / "x"))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "token_invalid" in err


def test_a_fleet_ends_with_its_parent(server: FakeServer, tmp_path: Path) -> None:
    script = (
        "import subprocess, sys, time\n"
        f"p = subprocess.Popen([sys.executable, '-m', 'agent', 'fleet', '--server', {server.url!r}, '--code', 'T' * 26,"
        f" '--count', '1', '--state', {str(tmp_path / 'f')!r}, '--with-parent'])\n"
        "print(p.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    server.wait(lambda: server.devices and next(iter(server.devices.values())).got["heartbeat"], 60)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 20
    while _alive(child):
        assert time.monotonic() < deadline, "the fleet outlived its parent"
        time.sleep(0.05)
    parent.stdout.close()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"

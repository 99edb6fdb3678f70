"""The child process: born ready, alone, side by side with others, and never left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from config.settings import Settings
from mqtt.broker.errors import BrokerUnusable
from mqtt.broker.files import BrokerFiles
from mqtt.broker.ports import owns_port, port_taken
from mqtt.broker.process import find_mosquitto, running
from tests.broker.parts import Installation, until

ROLE = """
import sys, threading
from pathlib import Path
from tests.broker.parts import Installation
from mqtt.broker.role import run_broker_role
made = Installation.make(Path(sys.argv[1]), mqtt_port=int(sys.argv[2]))
ready = threading.Event()
threading.Thread(target=lambda: (ready.wait(), print("ready", flush=True)), daemon=True).start()
run_broker_role(made.settings, made.ca, made.source, threading.Event(), made._taken_over, ready)
"""


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").exists() and ") Z " not in Path(f"/proc/{pid}/stat").read_text()


def test_kill_9_of_the_parent_leaves_no_mosquitto(installation: Installation, tmp_path: Path) -> None:
    port = installation.settings.mqtt_port
    parent = subprocess.Popen(
        [sys.executable, "-c", ROLE, str(tmp_path), str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert parent.stdout is not None
    with parent, parent.stdout:
        assert any(line == "ready\n" for line in parent.stdout)
        child = installation.process()
        assert child is not None
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert until(lambda: not alive(child.pid), 5)
    assert until(lambda: not port_taken("127.0.0.1", port), 5)


def test_kill_9_of_mosquitto_brings_a_new_one(watchful: None, broker: Installation) -> None:
    first = broker.process()
    assert first is not None
    os.kill(first.pid, signal.SIGKILL)
    assert until(lambda: broker.process() not in (None, first))
    assert until(broker.ready)


def test_the_end_of_the_role_is_the_end_of_mosquitto(installation: Installation) -> None:
    with installation.role():
        process = installation.process()
        assert process is not None
        assert owns_port(process.pid, "127.0.0.1", installation.settings.mqtt_port)
    assert not alive(process.pid)
    assert installation.process() is None


def test_two_installations_run_side_by_side_and_strangers_stay_strangers(tmp_path: Path) -> None:
    first, second = Installation.make(tmp_path / "first"), Installation.make(tmp_path / "second")
    with first.role(), second.role():
        assert first.process() != second.process()
        assert first.admin.probe().safe
        assert second.admin.probe().safe
        phone = first.phone()
        first.revoke(phone)
        assert second.admin.probe().safe


def test_a_second_role_on_the_same_data_folder_is_refused(broker: Installation) -> None:
    twin = Installation.make(broker.settings.data_dir.parent)
    with pytest.raises(BrokerUnusable, match="Another process"), twin.role():
        pass
    assert broker.admin.probe().safe


def test_a_port_that_somebody_else_holds_is_refused_with_its_number(installation: Installation) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", installation.settings.mqtt_port))
        other.listen()
        with pytest.raises(BrokerUnusable, match=str(installation.settings.mqtt_port)), installation.role():
            pass


def test_the_same_port_on_another_address_is_free(installation: Installation) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.2", installation.settings.mqtt_port))
        other.listen()
        with installation.role():
            assert installation.admin.probe().safe


def test_a_missing_mosquitto_says_how_to_install_it(tmp_path: Path) -> None:
    with pytest.raises(BrokerUnusable, match="apt-get install mosquitto"):
        find_mosquitto(Settings().model_copy(update={"mosquitto_path": tmp_path / "nowhere"}))


def test_a_pid_file_left_by_a_crash_names_no_stranger(installation: Installation) -> None:
    files = installation.files
    files.pid.write_text(f'{{"pid": {os.getpid()}, "started": 1}}')
    assert running(files) is None
    files.pid.write_text("nonsense")
    assert running(files) is None


def test_a_long_data_folder_with_spaces_works(tmp_path: Path) -> None:
    deep = tmp_path / ("a long name " * 8 + "x") / ("守机" * 10)
    deep.mkdir(parents=True)
    made = Installation.make(deep)
    assert len(os.fsencode(made.files.socket)) < 108
    with made.role():
        assert made.admin.probe().safe


def test_the_folder_of_a_short_socket_must_be_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.files.SHORT_ROOT", tmp_path)
    files = BrokerFiles(tmp_path / ("x" * 120))
    folder = files.socket.parent
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o777)
    with pytest.raises(BrokerUnusable, match="not a private folder"):
        files.socket.exists()


def test_the_brokers_folder_is_closed_to_others(broker: Installation) -> None:
    assert broker.files.folder.stat().st_mode & 0o777 == 0o700
    for path in (
        broker.files.passwords,
        broker.files.certificate,
        broker.files.canary,
        broker.files.service_password("relay"),
    ):
        assert path.stat().st_mode & 0o777 == 0o600

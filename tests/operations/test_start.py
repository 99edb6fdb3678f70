"""A start with settings that only the machine can prove wrong: it ends with one line that names the setting."""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

import serve
from app import create_app
from config.loading import load
from core import audit, clock, witness
from core.actor import system_actor
from core.runtime import runtime
from core.uow import unit_of_work
from mqtt.broker.files import BrokerFiles
from tests.broker.parts import free_port
from tests.conftest import Tune

SECRET = "s3cret-word"


def _start(folder: Path, **chosen: Any) -> None:
    """What `flask serve` does until its processes start."""
    given = {"data_dir": folder / "data", "http_port": free_port(), "mqtt_port": free_port(), **chosen}
    settings = load({f"SHOUJI_{name.upper()}": str(value) for name, value in given.items()})
    app = create_app(settings)
    serve.refuse_unusable(settings)
    serve.prepare(app, settings)


@pytest.fixture
def no_file(tmp_path: Path) -> Path:
    """A file where a folder, a program or a certificate should be."""
    path = tmp_path / "readme.txt"
    path.write_text("nothing of use")
    return path


def _refusal(folder: Path, **chosen: Any) -> str:
    with pytest.raises(SystemExit) as ended:
        _start(folder, **chosen)
    return str(ended.value)


def test_a_data_folder_or_key_ring_that_cannot_be_made(tmp_path: Path, no_file: Path) -> None:
    assert _refusal(tmp_path, data_dir=no_file / "data").startswith("SHOUJI_DATA_DIR: ")
    assert _refusal(tmp_path, key_ring=no_file / "keys").startswith("SHOUJI_KEY_RING: ")


def test_a_database_that_is_not_reached(tmp_path: Path) -> None:
    address = f"postgresql+psycopg://shouji:{SECRET}@127.0.0.1:{free_port()}/shouji"
    said = _refusal(tmp_path, database_url=address)
    assert said.startswith("SHOUJI_DATABASE_URL: the database is not reached: ")
    assert SECRET not in said
    assert "unable to open" in _refusal(tmp_path, database_url="sqlite:////nowhere/shouji.db")


def test_a_program_that_is_none_and_an_address_that_is_none(tmp_path: Path, no_file: Path) -> None:
    assert "apt-get install mosquitto" in _refusal(tmp_path, mosquitto_path=no_file)
    outside = {"broker_crl_path": tmp_path / "crl", "broker_reload_command": "true"}
    assert "SHOUJI_BROKER_URL must be" in _refusal(tmp_path, broker_url=f"mqtt://u:{SECRET}@h:1", **outside)


def test_files_of_trust_that_hold_none(tmp_path: Path, no_file: Path) -> None:
    for name in ("attestation_roots", "attestation_revoked"):
        said = _refusal(tmp_path, **{name: no_file})
        assert "SHOUJI_ATTESTATION_ROOTS, SHOUJI_ATTESTATION_REVOKED" in said
        assert str(no_file) in said


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = _refusal(tmp_path, http_port=port)
        assert said == f"Port {port} on 127.0.0.1 is taken. Set SHOUJI_HTTP_PORT to a free port."
        assert "SHOUJI_MQTT_PORT" in _refusal(tmp_path, mqtt_port=port)


def test_a_first_password_that_is_too_weak(tmp_path: Path) -> None:
    said = _refusal(tmp_path, admin_password="short")
    assert said.startswith("SHOUJI_ADMIN_PASSWORD: ")
    assert "12 to 256 characters" in said


def test_good_settings_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _start(tmp_path)
    assert "one-time link" in capsys.readouterr().out


class TestAfterARestore:
    """Roles that run apart: the broker's own start finds out what its store is worth."""

    @pytest.fixture
    def kept(self, app: Flask, tune: Tune, tmp_path: Path) -> Path:
        """What Mosquitto has stored, an hour ago."""
        tune(data_dir=tmp_path, broker_url=None)
        file = BrokerFiles.in_data_dir(tmp_path).store / "mosquitto.db"
        file.write_bytes(b"sessions")
        hour_ago = (clock.now() - timedelta(hours=1)).timestamp()
        os.utime(file, (hour_ago, hour_ago))
        return file

    def _starts(self, app: Flask) -> None:
        serve.forget_what_a_restore_outlived(app, runtime().settings)

    def test_a_store_stays_where_nothing_was_restored(self, app: Flask, kept: Path) -> None:
        self._starts(app)
        assert kept.exists()

    def test_a_store_of_before_goes_before_anybody_has_seen_to_the_restore(self, app: Flask, kept: Path) -> None:
        witness.mark_restored(witness.path(), {})
        self._starts(app)
        assert not kept.exists()

    def test_it_goes_after_the_worker_has_seen_to_it_too_and_what_is_stored_since_stays(
        self, app: Flask, kept: Path
    ) -> None:
        with unit_of_work():
            audit.record(system_actor("restore"), witness.ACTION, ("installation", "database"), {})
        self._starts(app)
        assert not kept.exists()
        kept.write_bytes(b"new sessions")
        self._starts(app)
        assert kept.exists()

    def test_a_database_that_cannot_be_asked_keeps_no_broker_from_starting(self, kept: Path, tmp_path: Path) -> None:
        empty = create_app(load({"SHOUJI_DATA_DIR": str(tmp_path / "empty")}))
        self._starts(empty)
        assert kept.exists()

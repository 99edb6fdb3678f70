"""An outside Mosquitto: set up from what we print, tried before use, revoked through its reload command."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mqtt.broker.acl import for_outside_broker
from mqtt.broker.endpoint import outside_endpoint
from mqtt.broker.errors import BrokerAway, BrokerUnsafe, BrokerUnusable
from mqtt.broker.external import issue_certificate
from mqtt.broker.opening import open_admin
from mqtt.broker.passwords import hash_password
from mqtt.broker.probe_client import Refused
from mqtt.broker.process import find_mosquitto
from mqtt.broker.role import run_broker_role
from tests.broker.parts import Installation, free_port, until

USER, PASSWORD = "shouji", "p@ss:word/1"


class Outside:
    """A Mosquitto that somebody else runs, with its own configuration, and an installation that is to use it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "outside"
        self.folder.mkdir()
        self.service_port = free_port()
        self.pid_file = self.folder / "pid"
        # Settings name a file that is there: the certificates come first, from the installation's own CA.
        issue_certificate(Installation.make(folder).ca, ["127.0.0.1", "localhost"], self.folder / "tls")
        self.made = Installation.make(
            folder,
            broker_url=f"mqtts://{USER}:p%40ss%3Aword%2F1@127.0.0.1:{self.service_port}",
            broker_ca_file=self.folder / "tls" / "ca.pem",
            broker_crl_path=self.folder / "crl.pem",
            broker_reload_command=f"sh -c 'kill -HUP $(cat {shlex.quote(str(self.pid_file))})'",
        )
        self.acl = self.folder / "acl"
        self.acl.write_text(for_outside_broker(USER))
        (self.folder / "passwords").write_text(f"{USER}:{hash_password(USER, PASSWORD)}\n")
        (self.folder / "crl.pem").write_bytes(self.made.ca.crl([]))
        self.config = self.folder / "mosquitto.conf"
        self.config.write_text(self._config())

    def _config(self) -> str:
        folder = self.folder / "tls"
        tls = f"cafile {folder}/ca.pem\ncertfile {folder}/broker.pem\nkeyfile {folder}/broker.key\n"
        return (
            f"per_listener_settings true\nuser root\npid_file {self.pid_file}\nset_tcp_nodelay true\n"
            f"listener {self.service_port} 127.0.0.1\n{tls}allow_anonymous false\n"
            f"password_file {self.folder}/passwords\nacl_file {self.acl}\n"
            f"listener {self.made.settings.mqtt_port} 127.0.0.1\n{tls}crlfile {self.folder}/crl.pem\n"
            "require_certificate true\nuse_identity_as_username true\nuse_username_as_clientid true\n"
            f"allow_anonymous false\nacl_file {self.acl}\nmax_qos 1\n"
        )

    @contextmanager
    def running(self) -> Iterator[Installation]:
        program = find_mosquitto(self.made.settings)
        child = subprocess.Popen([program, "-c", self.config], stderr=subprocess.DEVNULL)
        try:
            assert until(self.pid_file.exists)
            yield self.made
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()

    @contextmanager
    def role(self) -> Iterator[list[BaseException]]:
        """The role in a thread; yields its errors."""
        stop, ready = threading.Event(), threading.Event()
        errors: list[BaseException] = []

        def run() -> None:
            try:
                run_broker_role(self.made.settings, self.made.ca, self.made.source, stop, lambda *_: None, ready)
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            assert until(lambda: ready.is_set() or bool(errors))
            yield errors
        finally:
            stop.set()
            thread.join(30)


@pytest.fixture
def outside(tmp_path: Path) -> Outside:
    return Outside(tmp_path)


def test_a_broker_set_up_from_what_we_print_passes_every_canary(outside: Outside) -> None:
    with outside.running() as made:
        report = made.admin.apply()
        assert report.safe
        assert made.admin.probe().safe
    assert outside.folder.joinpath("crl.pem").stat().st_mode & 0o777 == 0o644


def test_a_revoked_phone_is_cut_and_stays_out(outside: Outside) -> None:
    with outside.running() as made:
        made.admin.apply()
        phone = made.phone()
        with made.client(phone) as client:
            client.connect()
            made.revoke(phone)
            assert client.wait_for_end(2)
        with made.client(phone) as client, pytest.raises(Refused):
            client.connect()


def test_the_role_refuses_to_start_over_an_acl_that_is_open(outside: Outside) -> None:
    outside.acl.write_text(f"user {USER}\ntopic readwrite #\npattern readwrite shouji/#\n")
    with outside.running(), outside.role() as errors:
        pass
    assert [type(error) for error in errors] == [BrokerUnsafe]
    assert "foreign_topic_refused" in str(errors[0])


def test_the_role_ends_when_the_broker_turns_unsafe(watchful: None, outside: Outside) -> None:
    with outside.running(), outside.role() as errors:
        assert errors == []
        outside.acl.write_text(f"user {USER}\ntopic readwrite #\npattern readwrite shouji/#\n")
        os.kill(int(outside.pid_file.read_text()), signal.SIGHUP)
        assert until(lambda: errors != [])
    assert isinstance(errors[0], BrokerUnsafe)


def test_a_reload_command_that_does_nothing_is_noticed(outside: Outside) -> None:
    made = outside.made
    with outside.running():
        made.admin.apply()
        broken = made.settings.model_copy(update={"broker_reload_command": "true"})
        with pytest.raises(BrokerUnsafe, match="revoked_certificate_refused"):
            open_admin(broken, made.ca, made.source).apply()


def test_a_reload_command_that_fails_is_an_error_that_names_the_setting(outside: Outside) -> None:
    made = outside.made
    broken = made.settings.model_copy(update={"broker_reload_command": "false"})
    with outside.running(), pytest.raises(BrokerAway) as error:
        open_admin(broken, made.ca, made.source).apply()
    assert "SHOUJI_BROKER_RELOAD_COMMAND" in error.value.members["detail"]


def test_half_a_set_up_is_refused(outside: Outside) -> None:
    made = outside.made
    for missing in ("broker_crl_path", "broker_reload_command"):
        half = made.settings.model_copy(update={missing: None})
        with pytest.raises(BrokerUnusable, match=missing.upper()):
            open_admin(half, made.ca, made.source)


@pytest.mark.parametrize("url", ["mqtt://u:p@h:1", "mqtts://h:1", "mqtts://u@h", "unix://u:p@relative", "nonsense"])
def test_an_address_without_tls_or_password_is_refused(tmp_path: Path, url: str) -> None:
    made = Installation.make(tmp_path, broker_url=url, broker_crl_path=tmp_path / "crl")
    with pytest.raises(BrokerUnusable, match="SHOUJI_BROKER_URL"):
        outside_endpoint(made.settings)


def test_a_unix_address_is_understood(tmp_path: Path) -> None:
    made = Installation.make(tmp_path, broker_url="unix://u:p@/run/broker.sock", broker_crl_path=tmp_path / "crl")
    endpoint = outside_endpoint(made.settings)
    assert (endpoint.transport, endpoint.host, endpoint.username) == ("unix", "/run/broker.sock", "u")


def test_an_endpoint_does_not_show_its_password(outside: Outside) -> None:
    assert PASSWORD not in repr(outside_endpoint(outside.made.settings))

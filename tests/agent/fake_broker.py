"""The broker of the server in miniature: a real Mosquitto over TLS, with a plain listener for the server itself."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from pathlib import Path

from mqtt.contract import topics
from tests.agent.fake_parts import Authority, new_key, pem, pem_key

MOSQUITTO = next((p for p in ("/usr/sbin/mosquitto", "/usr/bin/mosquitto") if Path(p).exists()), "mosquitto")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class FakeBroker:
    """Starts and stops Mosquitto; `subscribed` says that the server listens again."""

    folder: Path
    ca: Authority
    subscribed: threading.Event

    def _start_broker(self) -> None:
        self.broker_port, self.plain_port = free_port(), free_port()
        key = new_key()
        (self.folder / "ca.pem").write_text(pem(self.ca.certificate))
        (self.folder / "broker.pem").write_text(pem(self.ca.issue("localhost", key.public_key())))
        (self.folder / "broker.key").write_bytes(pem_key(key))
        (self.folder / "crl.pem").write_bytes(self.ca.crl())
        (self.folder / "acl").write_text(
            "".join(f"pattern write {topics.PREFIX}/d/%u/up/{kind}\n" for kind in (
                "hello", "presence", "heartbeat", "reported", "result", "records", "event"))
            + f"pattern read {topics.PREFIX}/d/%u/down/+\npattern read {topics.PREFIX}/blobs/+\n"
        )  # fmt: skip
        (self.folder / "mosquitto.conf").write_text(
            f"""per_listener_settings true
user root
log_dest none
listener {self.broker_port} 127.0.0.1
cafile {self.folder}/ca.pem
certfile {self.folder}/broker.pem
keyfile {self.folder}/broker.key
crlfile {self.folder}/crl.pem
require_certificate true
use_identity_as_username true
use_username_as_clientid true
allow_anonymous false
acl_file {self.folder}/acl
max_qos 1
set_tcp_nodelay true
max_queued_messages 100000
listener {self.plain_port} 127.0.0.1
allow_anonymous true
"""
        )
        self.start_mosquitto()

    def start_mosquitto(self) -> None:
        started_before = hasattr(self, "mosquitto")
        self.mosquitto = subprocess.Popen(
            [MOSQUITTO, "-c", str(self.folder / "mosquitto.conf")], stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as sock:
                if sock.connect_ex(("127.0.0.1", self.plain_port)) == 0:
                    # What phones say before we listen again would be lost.
                    assert not started_before or self.subscribed.wait(10)
                    return
            time.sleep(0.02)
        raise RuntimeError("mosquitto does not listen")

    def stop_mosquitto(self) -> None:
        self.subscribed.clear()
        self.mosquitto.kill()
        self.mosquitto.wait()

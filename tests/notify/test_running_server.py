"""The whole server: what was told while the worker was dead leaves once it is back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.notify.servers import http_server, smtp_server
from tests.support.server import Server


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Server]:
    """An installation of its own that may call loopback; it does not run yet."""
    server = Server.make(tmp_path, outbound_networks="127.0.0.1/32")
    try:
        yield server
    finally:
        server.stop()


@pytest.mark.timeout(240)
def test_a_worker_that_is_killed_between_commit_and_send_loses_nothing(made: Server) -> None:
    with http_server() as hook, smtp_server() as box:
        mail = {"HOST": "127.0.0.1", "PORT": str(box.port), "SECURITY": "none", "FROM": "shouji@corp.example"}
        made.environment |= {f"SHOUJI_SMTP_{name}": value for name, value in mail.items()}
        server = made.start()
        staff = {"name": "李四", "username": "li", "password": "correct horse 42", "roles": ["it_admin"]}
        server.api.post("staff", {**staff, "email": "li@corp.example"})
        channel = server.api.post(
            "notification-channels", {"kind": "webhook", "name": "x", "config": {"url": hook.url}}
        )
        server.kill_part("worker")
        server.api.post("freeze", {"frozen": True, "reason": "核查误操作"})
        server.wait(lambda: hook.seen and box.letters, 60, "webhook and mail")
        path = f"notification-channels/{channel['id']}/deliveries"
        server.wait(lambda: server.api.get(path)["items"][0]["state"] == "delivered", 10, "the log")
    assert [request.json["type"] for request in hook.seen] == ["freeze_on"]
    assert box.letters[0][1] == ["li@corp.example"] and "核查误操作" not in box.letters[0][2].get_content()
    assert channel["made"]["secret"] not in server.log() and hook.url.rpartition(":")[2] not in server.log()

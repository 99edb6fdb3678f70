from __future__ import annotations

import ipaddress
import socket
import time
from typing import Any

import pytest

from core import outbound
from core.outbound import Unreachable
from tests.notify.servers import always, dripping_server, http_server, silent_server

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "::1", "fe80::1", "fc00::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::",
    ],
)  # fmt: skip
def test_no_name_leads_inside_however_the_address_is_written(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(ValueError, match="inside"):
        outbound.check_url(f"https://{host}/", ())

    def resolve(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(Unreachable, match="target_refused"):
        outbound.post("https://hooks.example.com/", b"", {})


def test_a_public_address_passes_and_plain_http_to_it_does_not() -> None:
    assert outbound.check_url("https://8.8.8.8:8443/a?b=1", ()).port == 8443
    with pytest.raises(ValueError, match="https"):
        outbound.check_url("http://8.8.8.8/", LOOPBACK)


def test_the_address_that_was_checked_is_the_one_that_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: Any, *rest: Any, **more: Any) -> Any:
        asked.append(str(host))
        return real("127.0.0.1" if host == "hooks.test" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with http_server() as server:
        port = server.url.rpartition(":")[2]
        answer = outbound.post(f"http://hooks.test:{port}/x", b"{}", {}, allowed=LOOPBACK)
    assert answer.status == 200 and asked.count("hooks.test") == 1
    assert server.seen[0].headers["host"] == f"hooks.test:{port}"


def test_no_more_of_an_answer_is_read_than_is_looked_at() -> None:
    with http_server(always(200, b"x" * 5_000_000)) as server:
        answer = outbound.post(server.url, b"", {}, allowed=LOOPBACK)
    assert len(answer.body) == outbound.MAX_ANSWER


def test_a_server_that_never_answers_is_given_up_in_time() -> None:
    with silent_server() as port:
        began = time.monotonic()
        with pytest.raises(Unreachable, match="timeout"):
            outbound.post(f"http://127.0.0.1:{port}/", b"", {}, allowed=LOOPBACK, seconds=0.5)
    assert time.monotonic() - began < 3


def test_a_server_that_drips_is_given_up_in_time() -> None:
    with dripping_server() as port:
        began = time.monotonic()
        with pytest.raises(Unreachable, match="timeout"):
            outbound.post(f"http://127.0.0.1:{port}/", b"", {}, allowed=LOOPBACK, seconds=0.5)
    assert time.monotonic() - began < 3


def test_a_name_that_nobody_knows_and_tls_where_there_is_none_have_their_codes() -> None:
    with pytest.raises(Unreachable, match="no_such_host"):
        outbound.post("https://hooks.invalid./", b"", {})
    with http_server() as server, pytest.raises(Unreachable, match="tls"):
        outbound.post(server.url.replace("http://", "https://"), b"", {}, allowed=LOOPBACK)

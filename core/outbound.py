"""The door to HTTP servers that people name: one POST to one address, within a deadline, and nothing else.

A name is resolved here and the address that was checked is the one that is connected to, so a name that resolves
elsewhere a moment later gains nothing. No redirect is followed, no proxy is asked, no more of an answer is read than
is looked at.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from config.settings import Network
from core.field_texts import Unfit

MAX_URL = 2000
MAX_ANSWER = 16 * 1024
DEADLINE_SECONDS = 10.0
CHECK_EVERY_S = 0.05
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_PORTS = {"http": 80, "https": 443}
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Unreachable(Exception):
    """The request got no answer; `code` is stable and says why, without address or content."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, the beginning of the body, and `Retry-After` in seconds where it was said so."""

    status: int
    body: bytes
    retry_after: int | None


def check_url(url: str, allowed: Sequence[Network]) -> SplitResult:
    """The address in its parts. Raises ValueError for what would never be called; the name is not resolved yet."""
    parts = urlsplit(url)
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise Unfit("地址最多 2000 个字符，不含空格与中文", "not a plain address of at most 2000 characters")
    if parts.scheme not in _PORTS or not parts.hostname:
        raise Unfit("地址应以 https:// 开头", "an address begins with https://")
    if parts.username is not None or parts.password is not None:
        raise Unfit("地址中不能含用户名或密码", "no user name or password in the address")
    _require_port(parts)
    literal = _literal(parts.hostname)
    if literal is not None:
        _require_permitted(parts.scheme, literal, allowed)
    elif parts.scheme == "http" and not allowed:
        raise Unfit("只能使用 https:// 地址", "only https:// is called")
    return parts


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    allowed: Sequence[Network] = (),
    seconds: float = DEADLINE_SECONDS,
) -> Answer:
    """POST once. `allowed` are the networks beyond the public internet that may be called, in the clear too.

    Raises Unreachable: `bad_url`, `no_such_host`, `target_refused`, `no_connection`, `tls`, `timeout`, `broken_answer`.
    """
    try:
        parts = check_url(url, allowed)
    except ValueError as error:
        raise Unreachable("bad_url") from error
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    address = _resolve(parts.scheme, host, port, allowed)
    connection = _connection(parts.scheme, host, str(address), port, seconds)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sent = {"Host": parts.netloc, "User-Agent": "Shouji", "Connection": "close", **headers}
    with contextlib.closing(connection), deadline(seconds, lambda: connection.sock) as late:
        try:
            answer = _exchange(connection, path, body, sent)
        except (OSError, HTTPError, http.client.HTTPException) as error:
            raise Unreachable("timeout" if late.is_set() else _code_of(error)) from error
        if late.is_set():
            # A cut in the middle of the headers reads like their end.
            raise Unreachable("timeout")
        return answer


@contextlib.contextmanager
def deadline(seconds: float, open_socket: Callable[[], socket.socket | None]) -> Iterator[threading.Event]:
    """Cut a connection that takes longer in all, however steadily it drips; the event tells that it was cut."""
    late = threading.Event()
    watched: list[socket.socket] = []
    done = threading.Event()

    def watch() -> None:
        # The library drops its own reference when the answer begins, so the newest one that was seen is kept.
        end_checks = max(1, int(seconds / CHECK_EVERY_S))
        for _ in range(end_checks):
            found = open_socket()
            if found is not None:
                watched[:] = [found]
            if done.wait(CHECK_EVERY_S):
                return
        late.set()
        for one in watched:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    watcher = threading.Thread(target=watch, name="deadline", daemon=True)
    watcher.start()
    try:
        yield late
    finally:
        done.set()
        watcher.join()


def _exchange(connection: HTTPConnection, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    connection.request("POST", path, body=body, headers=headers, preload_content=False, decode_content=False)
    response = connection.getresponse()
    try:
        said = response.read(MAX_ANSWER, decode_content=False)
        after = response.headers.get("Retry-After", "")
        return Answer(response.status, said, int(after) if after.isdecimal() and len(after) < 8 else None)
    finally:
        response.close()


def _connection(scheme: str, host: str, address: str, port: int, seconds: float) -> HTTPConnection:
    if scheme == "http":
        return HTTPConnection(address, port, timeout=seconds)
    context = ssl.create_default_context()
    return HTTPSConnection(address, port, timeout=seconds, ssl_context=context, server_hostname=host)


def _resolve(scheme: str, host: str, port: int, allowed: Sequence[Network]) -> Address:
    """The first address of the host that may be called."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable("no_such_host") from error
    for *_, place in found:
        address = ipaddress.ip_address(str(place[0]).partition("%")[0])
        with contextlib.suppress(ValueError):
            _require_permitted(scheme, address, allowed)
            return address
    raise Unreachable("target_refused")


def _require_port(parts: SplitResult) -> None:
    try:
        _ = parts.port
    except ValueError:
        raise Unfit("端口应为 0 到 65535 的整数", "the port is no number up to 65535") from None


def _require_permitted(scheme: str, address: Address, allowed: Sequence[Network]) -> None:
    """Raise ValueError unless the address is public, or in an allowed network, which may be called in the clear."""
    if any(address.version == network.version and address in network for network in allowed):
        return
    if not all(part.is_global and not part.is_multicast for part in _meant(address)):
        raise Unfit(
            "不能指向内网地址（见设置 SHOUJI_OUTBOUND_NETWORKS）", "an address inside this network is not called"
        )
    if scheme != "https":
        raise Unfit("只能使用 https:// 地址", "only https:// is called")


def _meant(address: Address) -> list[Address]:
    """The address and the IPv4 addresses that it stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [address, *(one for one in inner if one is not None)]


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _code_of(error: Exception) -> str:
    reasons = [error, getattr(error, "reason", None), error.__cause__, error.__context__]
    if any(isinstance(reason, ssl.SSLError) for reason in reasons):
        return "tls"
    if isinstance(error, TimeoutError) or "Timeout" in type(error).__name__:
        return "timeout"
    return "broken_answer" if isinstance(error, http.client.HTTPException) else "no_connection"

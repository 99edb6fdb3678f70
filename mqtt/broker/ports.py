"""Whose port is it? A phone must not end up at another program that was faster."""

from __future__ import annotations

import ipaddress
from pathlib import Path

LISTEN = "0A"
TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


def owns_port(pid: int, host: str, port: int) -> bool:
    """Whether the process itself, and nobody else, listens on that TCP port of that address."""
    listening = _listening_sockets(host, port)
    return bool(listening) and listening <= _sockets_of(pid)


def port_taken(host: str, port: int) -> bool:
    """Whether any process of this machine listens on that TCP port of that address."""
    return bool(_listening_sockets(host, port))


def _listening_sockets(host: str, port: int) -> set[str]:
    found = set()
    for table in TABLES:
        if not table.exists():
            continue
        for line in table.read_text().splitlines()[1:]:
            fields = line.split()
            address, _, number = fields[1].rpartition(":")
            if fields[3] == LISTEN and int(number, 16) == port and _meets(host, _address(address)):
                found.add(fields[9])
    return found


def _meets(host: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        wanted = ipaddress.ip_address(host)
    except ValueError:  # a name may stand for any address
        return True
    return wanted.is_unspecified or address.is_unspecified or wanted == address


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    # The kernel prints each 32-bit group in the machine's byte order.
    groups = [bytes.fromhex(text[start : start + 8])[::-1] for start in range(0, len(text), 8)]
    return ipaddress.ip_address(b"".join(groups))


def _sockets_of(pid: int) -> set[str]:
    found = set()
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            target = str(entry.readlink())
            if target.startswith("socket:["):
                found.add(target[8:-1])
    except OSError:
        return found
    return found

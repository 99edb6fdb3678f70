"""The baselines: paho as it comes, with its defaults, in a process of its own. It prints what it measured as JSON."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bench.broker import PASSWORD, REPLIES, USER
from mqtt.contract.topics import ALL_UP

CLIENT_ID = "bench-stock"
PORT = 1
WAIT_SECONDS = 300.0


class Stock:
    """One client; counts what it reads and does nothing with it."""

    def __init__(self, path: Path, subscribe: str, expected: int, *, clean: bool) -> None:
        self._expected, self._subscribe = expected, subscribe
        self.count = 0
        self.first = self.last = 0.0
        self.ready, self.done = threading.Event(), threading.Event()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, CLIENT_ID, clean_session=clean, transport="unix")
        self.client.username_pw_set(USER, PASSWORD)
        self.client.on_connect = self._connected
        self.client.on_subscribe = lambda *_: self.ready.set()
        self.client.on_message = self._message
        self.client.connect(str(path), PORT)
        self.client.loop_start()

    def _connected(self, client: paho.Client, _data: Any, flags: Any, _reason: Any, _properties: Any) -> None:
        if flags.session_present:
            self.ready.set()
        else:
            client.subscribe(self._subscribe, 1)

    def _message(self, *_: Any) -> None:
        if not self.count:
            self.first = time.perf_counter()
        self.count += 1
        if self.count == self._expected:
            self.last = time.perf_counter()
            self.done.set()

    def close(self) -> None:
        """Leave; a session that is not clean stays."""
        self.client.disconnect()
        self.client.loop_stop()


def hold(path: Path) -> dict[str, float]:
    """Make the session whose queue is to be filled."""
    stock = Stock(path, ALL_UP, 0, clean=False)
    stock.ready.wait(WAIT_SECONDS)
    stock.close()
    return {}


def drain(path: Path, expected: int) -> dict[str, float]:
    """Read what lies in the session's queue; seconds from the first message to the last."""
    stock = Stock(path, ALL_UP, expected, clean=False)
    if not stock.done.wait(WAIT_SECONDS):
        raise TimeoutError(f"{stock.count} of {expected} messages")
    stock.close()
    return {"seconds": stock.last - stock.first}


def fan_out(path: Path, topics: list[str], size: int) -> dict[str, float]:
    """Publish a message to each topic and read a reply for each; seconds from the first publish to the last reply."""
    stock = Stock(path, REPLIES, len(topics), clean=True)
    stock.ready.wait(WAIT_SECONDS)
    payload = b"x" * size
    began = time.perf_counter()
    for topic in topics:
        stock.client.publish(topic, payload, 1)
    if not stock.done.wait(WAIT_SECONDS):
        raise TimeoutError(f"{stock.count} of {len(topics)} replies")
    stock.close()
    return {"seconds": stock.last - began}


def main() -> None:
    """`hold SOCKET`, `drain SOCKET COUNT`, or `fan-out SOCKET SIZE` with topics on standard input."""
    order, path = sys.argv[1], Path(sys.argv[2])
    if order == "hold":
        result = hold(path)
    elif order == "drain":
        result = drain(path, int(sys.argv[3]))
    else:
        result = fan_out(path, sys.stdin.read().split(), int(sys.argv[3]))
    print(json.dumps(result))


if __name__ == "__main__":
    main()

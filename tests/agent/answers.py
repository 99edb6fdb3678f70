"""What a phone answered to a command."""

from __future__ import annotations

from typing import Any

from tests.agent.fake_parts import Device
from tests.agent.fake_server import FakeServer


def results(device: Device, command: str) -> list[str]:
    return [item["status"] for item in device.got["result"] if item["command"] == command]


def final(server: FakeServer, device: Device, command: str) -> dict[str, Any]:
    def found() -> list[dict[str, Any]]:
        return [r for r in device.got["result"] if r["command"] == command and r["status"] != "received"]

    result: dict[str, Any] = server.wait(found, what="a final result")[-1]
    return result

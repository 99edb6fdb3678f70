"""An office with an administrator, settings that may call loopback, and the deliverer's part of the worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core import outbox
from core.text import Text
from core.uow import unit_of_work
from notify import attempts, notices
from notify.deliveries import EFFECT
from notify.topics import Severity, register
from tests.conftest import Tune
from tests.identity import world

API = "/api/v1/notification-channels"
TEXT = Text("手机 A 的记录出现缺口。", "Records of phone A have a gap.")
LOUD = register("test_loud", Severity.CRITICAL, Text("有设备需要处理", "A phone needs you"))
QUIET = register("test_quiet", Severity.INFO, Text("小事一桩", "A small matter"))


@pytest.fixture
def tune(tune: Tune) -> Tune:
    """Change settings for one test; loopback may be called unless the test says otherwise."""
    tune(outbound_networks="127.0.0.0/8")
    return tune


@dataclass
class Office:
    """`admin` over all, `leader`, an IT administrator of telesales, `auditor` who reads."""

    client: Any
    who: dict[str, dict[str, str]]
    unit_id: str

    def make(self, kind: str, config: dict[str, Any], who: str = "admin", **more: Any) -> Any:
        body = {"kind": kind, "name": f"通道 {kind}", "config": config, **more}
        return self.client.post(API, json=body, headers=self.who[who])

    def made(self, kind: str, config: dict[str, Any], **more: Any) -> dict[str, Any]:
        answer = self.make(kind, config, **more)
        assert answer.status_code == 201, answer.json
        shown: dict[str, Any] = answer.json
        return shown

    def get(self, path: str = "", who: str = "admin") -> Any:
        return self.client.get(API + path, headers=self.who[who])

    def patch(self, channel_id: str, body: dict[str, Any], who: str = "admin") -> Any:
        return self.client.patch(f"{API}/{channel_id}", json=body, headers=self.who[who])

    def log(self, channel_id: str) -> list[dict[str, Any]]:
        """The channel's delivery log, newest first."""
        items: list[dict[str, Any]] = self.get(f"/{channel_id}/deliveries").json["items"]
        return items


@pytest.fixture
def office(app: Flask, client: FlaskClient, tune: Tune) -> Office:
    """The office."""
    unit_id = world.unit("/总部/电销")
    world.person("admin", "platform_admin")
    world.person("leader", "it_admin", org_unit="/总部/电销")
    world.person("auditor", "auditor")
    return Office(client, {name: world.headers(name) for name in ("admin", "leader", "auditor")}, unit_id)


def tell(*people: str, kind: str = LOUD, unit_id: str | None = None) -> None:
    """Something happens that people are told of."""
    with unit_of_work():
        notices.send(people, kind, TEXT, ("device", "d-1"), unit_id)


def deliver() -> list[float | None]:
    """Carry out what is due now, as the deliverer does; the pauses until the next attempts."""
    with unit_of_work(write=False) as current:
        rows = outbox.due(current, 100, EFFECT)
    return [attempts.carry_out(row) for row in rows]


def open_rows() -> int:
    """How many deliveries the outbox still holds, due or not."""
    with unit_of_work(write=False) as current:
        return outbox.depth(current)

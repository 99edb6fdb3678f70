"""`flask rollouts …` and the figures of rollouts at /metrics."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from flask import Flask
from flask.testing import FlaskCliRunner

from core import metrics
from core.uow import unit_of_work
from tests.fleet.phone import wire
from tests.policies.office import Office
from tests.policies.staged import EVERYONE, Rollout, phones, seconds

RINGS = [{"name": "pilot", "group": "pilot", "soak": "1d"}, EVERYONE]


def said(app: Flask, *words: str, status: int = 0) -> str:
    done = FlaskCliRunner(app).invoke(args=["rollouts", *words])
    assert done.exit_code == status, done.output
    return str(done.output)


def test_a_rollout_is_listed_shown_and_acted_on(app: Flask, office: Office) -> None:
    pilot, other = phones(office, 2)
    going = Rollout(office, {"rings": RINGS})
    assert said(app, "list").splitlines()[0].startswith(f"{going.id}  running")
    assert "1. pilot" in said(app, "show", going.id)
    assert "targeted 1  waiting 1" in said(app, "show", going.id)
    assert json.loads(said(app, "show", going.id, "--json"))["rings"][1]["state"] == "waiting"
    assert said(app, "nudge", going.id) == "1 phones\n"
    assert "rollout" not in said(app, "act", "pause", going.id, "--reason", "lunch")
    assert going.state == "paused"
    assert "paused" in said(app, "act", "pause", going.id, "--reason", "again", status=1)
    back = said(app, "act", "rollback", going.id, "--reason", "wrong").strip()
    assert office.company.get(f"/rollouts/{back}").json["rolls_back"] == going.id
    assert (seconds(office, pilot), seconds(office, other)) == (60, 60)


def test_what_a_phone_had_is_told_on_the_shell(app: Flask, office: Office) -> None:
    (phone,) = phones(office, 1)
    told = json.loads(said(app, "in-force", phone.id, wire(datetime.now(UTC))))
    assert told["rules"] == {"device": {"heartbeat_seconds": 60}}
    assert "AT" in said(app, "in-force", phone.id, "yesterday", status=2)


def test_metrics_count_rollouts_and_their_phones(office: Office) -> None:
    phones(office, 2)
    Rollout(office, {"rings": RINGS})
    with unit_of_work(write=False):
        shown = metrics.exposition().decode()
    assert 'shouji_rollouts{state="running"}' in shown
    assert 'shouji_rollout_devices{state="targeted"} 1.0' in shown
    assert "shouji_rollout_evaluated_seconds" in shown

"""The evaluator: killed between steps, twice at once, under a clock that jumps back: no ring twice, no phone missed."""

from __future__ import annotations

import os
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import func, select

from core import jobs
from core.db import db
from core.uow import unit_of_work
from policies import devices, rollout_steps
from policies.models import DesiredHistory, RolloutDevice
from tests.identity.world import audit_items
from tests.policies.office import Office
from tests.policies.staged import EVERYONE, Rollout, evaluate, later, phones, seconds

RINGS = [{"name": "half", "percentage": 50}, {"name": "most", "percentage": 80}, EVERYONE]


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two phones to a step."""
    monkeypatch.setattr(devices, "BATCH", 2)
    monkeypatch.setattr(devices.reached_after, "__defaults__", (2,))


def given() -> Counter[str]:
    """How often each phone ever got a new desired state."""
    with unit_of_work(write=False) as current:
        rows = current.execute(select(DesiredHistory.device_id, func.count()).group_by(DesiredHistory.device_id))
        return Counter({row[0]: row[1] for row in rows})


def members(going: Rollout) -> int:
    """How many rows of phones a rollout has."""
    with unit_of_work(write=False) as current:
        return current.scalar(select(func.count()).where(RolloutDevice.rollout_id == going.id)) or 0


def begun(office: Office, going: Rollout) -> list[str]:
    """Rings in the order in which they began, by the audit log."""
    entries = audit_items(office.company.client, office.company.admin, action="rollout.ring")
    return [entry["detail"]["ring"] for entry in reversed(entries) if entry["target_id"] == going.id]


@pytest.mark.usefixtures("small_steps")
def test_killed_after_every_step_it_goes_on_where_it_was(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    made = phones(office, 9)
    before = given()
    going = Rollout(office, {"rings": RINGS, "draft": True})
    going.done("start")

    class Killed(BaseException):
        """The process ends: nothing of the step after the last commit stays."""

    step, taken = rollout_steps.step, 0

    def dies(rollout_id: str, made: rollout_steps.Compiled | None = None) -> bool:
        nonlocal taken
        taken += 1
        more = step(rollout_id, made)
        if taken % 2 == 0:
            raise Killed
        return more

    monkeypatch.setattr(rollout_steps, "step", dies)
    for _ in range(80):
        if going.state == "finished":
            break
        with suppress(Killed):
            evaluate()
    assert taken > 10, "it was killed on its way"
    assert going.state == "finished"
    assert [seconds(office, phone) for phone in made] == [30] * 9
    after = given()
    assert members(going) == 9
    assert {phone.id: after[phone.id] - before[phone.id] for phone in made} == {phone.id: 1 for phone in made}
    assert begun(office, going) == ["half", "most", "all"]


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("inside", [False, True], ids=["between two steps", "inside a step"])
def test_kill_9_of_the_process_leaves_nothing_out_and_repeats_nothing(app: Flask, office: Office, inside: bool) -> None:
    made = phones(office, 7)
    before = given()
    going = Rollout(office, {"rings": RINGS, "draft": True})
    going.done("start")
    killed = 0
    while killed < 40 and going.state != "finished":
        killed += killed_by_9(app, 2, inside)
    assert killed > 3
    assert going.state == "finished"
    after = given()
    assert members(going) == 7
    assert {phone.id: after[phone.id] - before[phone.id] for phone in made} == {phone.id: 1 for phone in made}
    assert begun(office, going) == ["half", "most", "all"]


def killed_by_9(app: Flask, steps: int, inside: bool) -> bool:
    """Run the evaluator in a process of its own that is killed at one of its steps; whether it came to that."""
    child = os.fork()
    if child == 0:
        try:
            db.engine.dispose(close=False)
            taken, step = 0, rollout_steps.step

            def dies(rollout_id: str, made: rollout_steps.Compiled | None = None) -> bool:
                nonlocal taken
                taken += 1
                if taken > steps and not inside:
                    os.kill(os.getpid(), signal.SIGKILL)
                more = step(rollout_id, made)
                if taken > steps:
                    os.kill(os.getpid(), signal.SIGKILL)
                return more

            rollout_steps.step = dies
            evaluate()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.usefixtures("small_steps")
def test_two_evaluators_at_once_do_the_work_of_one(app: Flask, office: Office) -> None:
    made = phones(office, 9)
    before = given()
    going = Rollout(office, {"rings": RINGS, "draft": True})
    going.done("start")
    together = Barrier(2)

    def work() -> None:
        with app.app_context():
            together.wait(20)
            evaluate()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(work), pool.submit(work)]:
            done.result(60)
    evaluate()
    assert going.state == "finished"
    after = given()
    assert members(going) == 9
    assert {phone.id: after[phone.id] - before[phone.id] for phone in made} == {phone.id: 1 for phone in made}
    assert begun(office, going) == ["half", "most", "all"]


def test_a_clock_that_jumps_back_an_hour_repeats_nothing_and_takes_no_time_away(office: Office) -> None:
    pilot, other = phones(office, 2)
    ring = {"name": "pilot", "group": "pilot", "success": {"percent": 100, "within": "14m"}, "soak": "10m"}
    going = Rollout(office, {"rings": [ring, EVERYONE]})
    office.report(pilot)
    evaluate()
    with later(minutes=6):
        evaluate()
        assert going.rings() == ["soaking", "waiting"]
    assert going.now["rings"][0]["waited"] >= 359
    with later(hours=-1):
        evaluate()
    with later(minutes=-55):
        evaluate()
    assert going.rings()[0] == "finished", "six minutes before the jump and five after it are more than ten"
    evaluate()
    assert begun(office, going) == ["pilot", "all"]
    assert (seconds(office, pilot), seconds(office, other)) == (30, 30)
    assert going.figures(1)["targeted"] == 1


def test_the_job_does_nothing_while_nothing_runs_and_takes_on_what_does(office: Office) -> None:
    phones(office, 2)
    assert evaluate() == 0
    going = Rollout(office, {"rings": [{"name": "some", "percentage": 40}, EVERYONE], "draft": True})
    going.done("start")
    assert jobs.run("policies.rollouts") == "done"
    assert going.state == "finished"
    assert evaluate() == 0


def test_one_rollout_that_fails_holds_up_no_other(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    phones(office, 2)
    going = Rollout(office, {"rings": [{"name": "some", "percentage": 40, "soak": "5m"}, EVERYONE]})
    ids = rollout_steps.running
    monkeypatch.setattr(rollout_steps, "running", lambda: ["00000000-0000-0000-0000-00000000dead", *ids()])
    with later(minutes=6), pytest.raises(Exception, match="no_such_rollout"):
        evaluate()
    assert going.state == "finished"

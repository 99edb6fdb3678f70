"""Two who act at once: a phone never misses a policy that is being published, two publishers never share a version."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from flask import Flask

from core.actor import system_actor
from core.uow import unit_of_work
from policies import apply
from tests.policies.office import Office, assignment, policy

HERE = "{org_unit: /总部/电销}"
SYSTEM = system_actor("test")


def in_app(app: Flask, work: Callable[[], None]) -> None:
    with app.app_context():
        work()


def test_a_phone_that_enrolls_while_a_policy_is_published_has_it(app: Flask, office: Office) -> None:
    token = office.company.token(org_unit="/总部/电销")
    written, enrolling = threading.Event(), threading.Event()
    body = (policy("sales", "{location: {mode: off}}") + assignment("everywhere", "sales", HERE)).encode()

    def publish() -> None:
        with unit_of_work():
            apply.apply(SYSTEM, body, publishing=True)
            written.set()
            enrolling.wait(5)
            threading.Event().wait(0.5)

    with ThreadPoolExecutor(1) as pool:
        publishing = pool.submit(in_app, app, publish)
        assert written.wait(20)
        enrolling.set()
        phone = office.company.enroll(token=token)
        publishing.result(20)
    assert office.rules(phone) == {"location": {"mode": "off"}}


def test_two_who_publish_at_once_make_two_versions_one_after_the_other(app: Flask, office: Office) -> None:
    phone = office.phone("/总部/电销")
    office.apply(policy("sales", "{}") + assignment("everywhere", "sales", HERE))

    def publish(seconds: int) -> None:
        body = policy("sales", f"{{device: {{heartbeat_seconds: {seconds}}}}}").encode()

        def work() -> None:
            with unit_of_work():
                apply.apply(SYSTEM, body, publishing=True)

        in_app(app, work)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(publish, (20, 30, 40, 50)))
    versions = office.company.get("/documents/Policy/sales/versions").json["items"]
    assert [version["version"] for version in versions] == [5, 4, 3, 2, 1]
    assert versions[0]["in_force"]
    assert office.rules(phone) == {"device": versions[0]["spec"]["device"]}


def test_a_publication_that_fails_leaves_nothing_behind(app: Flask, office: Office) -> None:
    phone = office.phone("/总部/电销")
    before = office.state(phone)
    office.forget_queue()
    body = (policy("sales", "{location: {mode: off}}") + assignment("everywhere", "sales", HERE)).encode()
    try:
        with unit_of_work():
            apply.apply(SYSTEM, body, publishing=True)
            raise RuntimeError("the power fails")
    except RuntimeError:
        pass
    assert office.state(phone) == before
    assert office.queued() == []
    assert office.company.get("/documents").json["items"] == []

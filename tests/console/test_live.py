"""The live feed inside one process: mailboxes, places, scope, and how a stream ends."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete
from werkzeug.test import TestResponse

from console import live, stream
from console.live import EXTENSION, PER_PERSON, Hub
from console.mailbox import MAX_IDS, Change, Mailbox
from core import clock
from core import live as feed
from core.actor import Actor
from core.errors import Unavailable
from core.http.app import STOPPING
from core.uow import unit_of_work
from identity import people
from identity.people import PersonChanges
from imports import uploads
from tests.console.site import Site, token_of
from tests.identity import world


def _actor(name: str = "a", unit_path: str | None = "/") -> Actor:
    return Actor("staff", name, name, unit_path=unit_path)


def test_a_mailbox_merges_what_came_and_empties_when_taken() -> None:
    box = Mailbox(_actor(), "devices")
    box.put(["b"])
    box.put(["a", "b"])
    assert box.take(0) == Change(("a", "b"))
    assert box.take(0) is None


def test_a_mailbox_that_is_not_emptied_stays_small_and_still_says_that_something_changed() -> None:
    box = Mailbox(_actor(), "devices")
    for number in range(10 * MAX_IDS):
        box.put([str(number)])
    assert box.take(0) == Change(None)
    assert box.take(0) is None


def test_taking_waits_for_something_and_no_longer() -> None:
    box = Mailbox(_actor(), "devices")
    threading.Timer(0.1, box.put, (["x"],)).start()
    started = time.monotonic()
    assert box.take(5) == Change(("x",))
    assert time.monotonic() - started < 2


def test_an_empty_set_of_ids_wakes_nobody() -> None:
    box = Mailbox(_actor(), "devices")
    box.put([])
    assert box.take(0) is None


@pytest.fixture
def hub(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub of four places whose reader ends with the test."""
    ended = threading.Event()
    monkeypatch.setitem(site.app.extensions, STOPPING, ended.is_set)
    made = Hub(site.app, 4)
    monkeypatch.setitem(site.app.extensions, EXTENSION, made)
    yield made
    ended.set()
    for thread in threading.enumerate():
        if thread.name == "live":
            thread.join(5)
            assert not thread.is_alive()


def _until(done: Callable[[], object], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def _reading(site: Site, hub: Hub) -> None:
    """Return once the reader knows where the feed stands: what comes after is told by its ids."""
    phone = site.enroll(org_unit="/总部")
    with site.app.app_context():
        box = hub.join(world.actor("admin"), "devices")

    def told() -> bool:
        site.announce_offline(phone)
        change = box.take(0.2)
        return bool(change and change.ids)

    _until(told)
    hub.leave(box)
    # A mailbox that was told "something" names no ids until it is emptied.
    for other in hub._open():
        other.take(0)


def test_building_the_application_starts_no_reader(site: Site) -> None:
    assert "live" not in {thread.name for thread in threading.enumerate()}


def test_a_page_is_told_of_changes_it_may_see_and_of_no_others(site: Site, hub: Hub) -> None:
    own, foreign = site.enroll(org_unit="/总部/电销"), site.enroll(org_unit="/总部/客服")
    with site.app.app_context():
        everything, part = (hub.join(world.actor(name), "devices") for name in ("admin", "leader"))
    _reading(site, hub)
    for box in (everything, part):
        box.take(0)
    for phone in (own, foreign):
        site.observe(phone, "root")
    seen: dict[Mailbox, set[str]] = {everything: set(), part: set()}

    def told() -> bool:
        for box, ids in seen.items():
            change = box.take(0)
            ids.update((change.ids or ()) if change else ())
        return seen[everything] >= {own.id, foreign.id}

    _until(told)
    _until(lambda: told() and seen[part])
    assert seen[part] == {own.id}


def test_an_import_is_told_to_those_who_see_it_and_to_no_others(site: Site, hub: Hub) -> None:
    with site.app.app_context():
        boxes = {name: hub.join(world.actor(name), "imports") for name in ("admin", "leader", "officer")}
    _reading(site, hub)
    for box in boxes.values():
        box.take(0)
    with site.app.app_context(), unit_of_work():
        import_id = uploads.create(boxes["admin"].actor, "people", "staff.csv", b"no,name\n1,A\n").id
    _until(lambda: import_id in (((change := boxes["admin"].take(0)) and change.ids) or ()))
    assert [boxes[name].take(0) for name in ("leader", "officer")] == [None, None]


def test_a_finding_is_told_to_pages_about_compliance(site: Site, hub: Hub) -> None:
    phone = site.enroll()
    parts = _events(_open(site.person("officer"), "compliance"))
    next(parts)
    _reading(site, hub)
    site.observe(phone, "root")
    assert any(phone.id in part for part in parts)


def test_one_reader_serves_all_pages_of_a_process(site: Site, hub: Hub) -> None:
    boxes = [hub.join(_actor(str(number)), "devices") for number in range(4)]
    _until(lambda: all(box.take(0) for box in boxes))
    assert [thread.name for thread in threading.enumerate()].count("live") == 1


def test_when_all_places_are_taken_a_page_is_refused_until_one_leaves(site: Site, hub: Hub) -> None:
    boxes = [hub.join(_actor(str(number)), "devices") for number in range(4)]
    with pytest.raises(Unavailable):
        hub.join(_actor("late"), "devices")
    answer = site.person().get("/live/devices")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    hub.leave(boxes[0])
    hub.join(_actor("late"), "devices")


def test_one_person_cannot_take_all_places(site: Site) -> None:
    wide = Hub(site.app, 100)
    wide._started = True
    for _ in range(PER_PERSON):
        wide.join(_actor("greedy"), "devices")
    with pytest.raises(Unavailable):
        wide.join(_actor("greedy"), "devices")
    wide.join(_actor("modest"), "devices")


def test_the_reader_goes_on_after_the_database_failed(site: Site, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    phone = site.enroll()
    with site.app.app_context():
        box = hub.join(world.actor("admin"), "devices")
    _until(lambda: box.take(0))
    failures = [RuntimeError("gone"), RuntimeError("gone")]
    real = feed.since

    def failing(current: Any, last: int) -> Any:
        if failures:
            raise failures.pop()
        return real(current, last)

    monkeypatch.setattr(feed, "since", failing)
    monkeypatch.setattr(live, "WAIT_SECONDS", 0.05)
    _until(lambda: not failures)
    _until(lambda: box.take(0) == Change(None))
    _reading(site, hub)
    box.take(0)
    site.observe(phone, "root")
    _until(lambda: phone.id in (((change := box.take(0)) and change.ids) or ()))


def test_the_reader_notices_that_ids_begin_again(site: Site, hub: Hub) -> None:
    phone = site.enroll()
    with site.app.app_context():
        box = hub.join(world.actor("admin"), "devices")
    _reading(site, hub)
    with site.app.app_context(), unit_of_work() as current:
        current.execute(delete(feed.LiveEvent))
    box.take(0)
    _until(lambda: box.take(0) == Change(None))
    with site.app.app_context(), unit_of_work() as current:
        current.add(feed.LiveEvent(id=1, topic="devices", key=phone.id, at=clock.now()))
    _until(lambda: box.take(0) == Change((phone.id,)))


def _events(answer: TestResponse) -> Iterator[str]:
    for part in answer.response:
        yield part.decode() if isinstance(part, bytes) else str(part)


def _open(browser: FlaskClient, topic: str = "devices") -> TestResponse:
    answer = browser.get(f"/live/{topic}", buffered=False)
    assert answer.status_code == 200
    assert answer.mimetype == "text/event-stream"
    return answer


def test_a_stream_names_what_changed_and_gives_its_place_back(site: Site, hub: Hub) -> None:
    phone = site.enroll()
    answer = _open(site.person())
    parts = _events(answer)
    assert next(parts) == f"retry: {stream.RETRY_MS}\n\n"
    assert next(parts) == 'event: devices\ndata: {"ids": null}\n\n'
    _reading(site, hub)
    site.observe(phone, "root")
    named = next(part for part in parts if phone.id in part)
    assert phone.id in json.loads(named.splitlines()[1].removeprefix("data: "))["ids"]
    assert len(hub._open()) == 1
    answer.close()
    assert hub._open() == []


def test_the_stream_of_one_phone_tells_its_events_too(site: Site, hub: Hub) -> None:
    phone = site.enroll()
    parts = _events(_open(site.person(), "device"))
    next(parts)
    _reading(site, hub)
    with site.app.app_context(), unit_of_work():
        feed.announce("events", [f"{phone.id}/1"])
    assert any(phone.id in part for part in parts)


def test_a_stream_ends_when_its_session_is_ended(site: Site, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "SIGN_OF_LIFE_SECONDS", 0.0)
    monkeypatch.setattr(stream, "TICK_SECONDS", 0.02)
    browser = site.person()
    parts = _events(_open(browser))
    assert any(part == ": here\n\n" for part in parts)
    page = browser.get("/docs")
    assert browser.post("/sign-out", data={"csrf_token": token_of(page.text)}).status_code == 303
    ended = threading.Thread(target=list, args=(parts,), daemon=True)
    ended.start()
    ended.join(10)
    assert not ended.is_alive()


def test_a_stream_ends_when_its_viewer_moves_in_the_tree(site: Site, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "SIGN_OF_LIFE_SECONDS", 0.0)
    monkeypatch.setattr(stream, "TICK_SECONDS", 0.02)
    with site.app.app_context():
        person_id = world.person("mover", "it_admin")
    parts = _events(_open(site.person("mover")))
    assert any(part == ": here\n\n" for part in parts)
    with site.app.app_context(), unit_of_work():
        people.change(world.SYSTEM, person_id, PersonChanges(frozenset({"org_unit"}), org_unit="/总部/电销"))
    ended = threading.Thread(target=list, args=(parts,), daemon=True)
    ended.start()
    ended.join(10)
    assert not ended.is_alive()


def test_a_stream_ends_with_its_process(site: Site, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "TICK_SECONDS", 0.02)
    parts = _events(_open(site.person()))
    next(parts)
    monkeypatch.setitem(site.app.extensions, STOPPING, lambda: True)
    assert len(list(parts)) <= 1


def test_only_those_who_may_read_devices_can_follow_them(site: Site, hub: Hub) -> None:
    with site.app.app_context():
        world.person("worker", "employee", org_unit="/总部/电销")
    assert site.person("worker").get("/live/devices").status_code == 403
    assert site.visitor().get("/live/devices").status_code == 303
    assert site.person().get("/live/secrets").status_code == 404
    assert hub._open() == []


def test_a_browser_that_hung_up_is_noticed_without_writing_to_it() -> None:
    ours, theirs = socket.socketpair()
    gone = stream._hang_up({"gunicorn.socket": ours})
    assert not gone()
    theirs.sendall(b"x")
    assert not gone()
    ours.recv(1)
    theirs.close()
    assert gone()
    ours.close()
    assert stream._hang_up({})() is False
    assert stream._hang_up({"gunicorn.socket": SimpleNamespace()})() is False

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from core.db import session
from core.uow import unit_of_work
from notify.models import Channel
from notify.topics import all_topics
from tests.conftest import Tune
from tests.identity import world
from tests.notify.conftest import API, LOUD, QUIET, Office, deliver, tell
from tests.notify.servers import http_server

URL = "https://hooks.example.com/in/9a8b7c?token=geheim"
SECRET = "SECe5c0d3a1b2"


def test_what_is_typed_in_is_kept_sealed_and_never_read_back(office: Office) -> None:
    made = office.made("dingtalk", {"url": URL, "secret": SECRET})
    assert made["target"] == "https://hooks.example.com/…" and made["made"] == {}
    for answer in (office.get(), office.get(f"/{made['id']}"), office.patch(made["id"], {"name": "钉钉"})):
        assert "geheim" not in answer.text and SECRET not in answer.text and answer.status_code == 200
    with unit_of_work(write=False):
        row = session().scalars(select(Channel)).one()
        assert b"geheim" not in row.sealed and SECRET.encode() not in row.sealed
    audit = world.audit_items(office.client, office.who["admin"], action="channel.create")
    assert audit[0]["target_id"] == made["id"] and "geheim" not in str(audit)


def test_a_webhooks_secret_is_made_by_the_server_and_told_once(office: Office) -> None:
    made = office.made("webhook", {"url": URL})
    assert made["made"]["secret"].startswith("whsec_")
    assert "made" not in office.get(f"/{made['id']}").json


@pytest.mark.parametrize(
    ("kind", "config", "path"),
    [
        ("webhook", {}, "config.url"),
        ("webhook", {"url": "ftp://example.com/"}, "config.url"),
        ("webhook", {"url": "http://example.com.:99999/"}, "config.url"),
        ("webhook", {"url": "https://user:geheim@example.com/"}, "config.url"),
        ("webhook", {"url": "https://10.0.0.7/"}, "config.url"),
        ("webhook", {"url": "https://[::ffff:169.254.169.254]/"}, "config.url"),
        ("webhook", {"url": URL, "secret": "geheim"}, "config.secret"),
        ("wecom", {"url": URL, "secret": "geheim"}, "config.secret"),
        ("mail", {"to": ["ops@example.com", "x\r\nBcc: geheim@example.com"]}, "config.to.1"),
        ("mail", {"to": []}, "config.to"),
    ],
)
def test_what_does_not_fit_a_kind_is_refused_without_repeating_it(
    office: Office, kind: str, config: dict[str, Any], path: str
) -> None:
    answer = office.make(kind, config)
    assert answer.status_code == 422 and answer.json["code"] == "bad_config"
    assert answer.json["errors"][0]["path"] == path and "geheim" not in answer.text
    assert all(any("一" <= letter <= "鿿" for letter in one["text"]) for one in answer.json["errors"])
    assert office.get().json["items"] == []


def test_an_unknown_kind_topic_or_severity_is_refused(office: Office) -> None:
    assert office.make("pager", {}).json["code"] == "unknown_channel_kind"
    assert office.make("webhook", {"url": URL}, kinds=["nothing"]).json["code"] == "unknown_topic"
    assert office.make("webhook", {"url": URL}, min_severity="loud").status_code == 422


def test_changing_leaves_out_members_as_they_are(office: Office) -> None:
    with http_server() as server:
        made = office.made("dingtalk", {"url": f"{server.url}/old", "secret": SECRET})
        changed = office.patch(made["id"], {"config": {"url": f"{server.url}/new"}, "min_severity": "info"})
        assert changed.json["min_severity"] == "info" and changed.json["revision"] == 2
        tell(kind=QUIET)
        assert deliver() == [None]
    path = server.seen[0].path
    assert path.startswith("/new?timestamp=") and "&sign=" in path
    assert office.patch(made["id"], {"name": "x", "revision": 1}).json["code"] == "stale_revision"


def test_only_those_who_may_set_channels_up_and_auditors_read_them(office: Office) -> None:
    made = office.made("webhook", {"url": URL})
    assert office.make("webhook", {"url": URL}, who="leader").status_code == 403
    assert office.get(who="auditor").json["items"][0]["id"] == made["id"]
    for method, path in (("patch", made["id"]), ("delete", made["id"]), ("post", f"{made['id']}/test")):
        answer = getattr(office.client, method)(f"{API}/{path}", json={}, headers=office.who["auditor"])
        assert answer.status_code == 403


def test_a_channel_outside_ones_part_of_the_tree_is_not_there(office: Office) -> None:
    everything = office.made("webhook", {"url": URL})
    near = office.made("webhook", {"url": URL}, org_unit="/总部/电销")
    assert [item["id"] for item in office.get(who="leader").json["items"]] == [near["id"]]
    assert office.get(f"/{everything['id']}", who="leader").status_code == 404
    assert office.get(f"/{everything['id']}/deliveries", who="leader").status_code == 404


def test_a_channel_is_told_of_what_it_asked_for_and_of_nothing_else(office: Office) -> None:
    far = world.unit("/总部/客服")
    near = office.made("webhook", {"url": URL}, org_unit="/总部/电销")["id"]
    everything = office.made("webhook", {"url": URL}, min_severity="info")["id"]
    loud = office.made("webhook", {"url": URL}, min_severity="info", kinds=[LOUD])["id"]
    off = office.made("webhook", {"url": URL}, min_severity="info", enabled=False)["id"]
    tell(unit_id=office.unit_id)
    tell(unit_id=far)
    tell(kind=QUIET)
    told = {
        name: len(office.log(one)) for name, one in locals().items() if name in ("near", "everything", "loud", "off")
    }
    assert told == {"near": 1, "everything": 3, "loud": 2, "off": 0}


def test_a_removed_channel_takes_what_is_on_its_way_with_it(office: Office) -> None:
    with http_server() as server:
        made = office.made("webhook", {"url": server.url})
        tell()
        assert office.client.delete(f"{API}/{made['id']}", headers=office.who["admin"]).status_code == 204
        assert deliver() == [None] and deliver() == []
    assert server.seen == []


def test_a_channel_that_was_switched_off_meanwhile_sends_nothing(office: Office) -> None:
    with http_server() as server:
        made = office.made("webhook", {"url": server.url})
        tell()
        office.patch(made["id"], {"enabled": False})
        assert deliver() == [None]
        assert office.log(made["id"])[0]["state"] == "dropped" and office.get().json["items"][0]["state"] == "off"
    assert server.seen == []


def test_the_choices_name_every_kind_and_every_topic(office: Office) -> None:
    headers = office.who["admin"] | {"Accept-Language": "en"}
    shown = office.client.get("/api/v1/notification-choices", headers=headers).json
    assert [kind["kind"] for kind in shown["kinds"]] == ["dingtalk", "feishu", "mail", "webhook", "wecom"]
    assert "url" in shown["kinds"][0]["config_schema"]["properties"]
    assert {topic["kind"] for topic in shown["topics"]} == {topic.kind for topic in all_topics()}
    assert {"approval_requested", "freeze_on", "integrity", "wipe_failed"} <= {one["kind"] for one in shown["topics"]}


def test_a_setting_that_opens_no_network_refuses_loopback(office: Office, tune: Tune) -> None:
    tune(outbound_networks="")
    assert office.make("webhook", {"url": "http://127.0.0.1:9/"}).json["code"] == "bad_config"
    assert office.make("webhook", {"url": "http://hooks.example.com/"}).json["code"] == "bad_config"

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine

from core import clock, outbox
from core.uow import unit_of_work
from notify import attempts
from notify.deliveries import EFFECT, forget_old
from tests.conftest import Tune
from tests.notify.conftest import LOUD, TEXT, Office, deliver, open_rows, tell
from tests.notify.servers import Request, always, http_server, silent_server

KEY = base64.b64encode(b"k" * 32).decode()


def headline(request: Request, kind: str) -> str:
    """What a bot's message says."""
    body = request.json
    if kind == "wecom":
        assert body["msgtype"] == "markdown"
        return str(body["markdown"]["content"])
    if kind == "dingtalk":
        assert body["msgtype"] == "markdown"
        return str(body["markdown"]["title"] + body["markdown"]["text"])
    assert body["msg_type"] == "post"
    post = body["content"]["post"]["zh_cn"]
    return str(post["title"] + post["content"][0][0]["href"])


def test_a_webhook_is_signed_so_that_its_receiver_can_check_it(office: Office) -> None:
    with http_server() as server:
        office.made("webhook", {"url": f"{server.url}/in?a=1", "secret": f"whsec_{KEY}"})
        tell()
        assert deliver() == [None]
    (request,) = server.seen
    headers = request.headers
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request.body
    expected = base64.b64encode(hmac.new(b"k" * 32, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}" and request.path == "/in?a=1"
    assert abs(int(headers["webhook-timestamp"]) - clock.now().timestamp()) < 60
    assert request.json["type"] == LOUD and request.json["data"]["about"] == {"kind": "device", "id": "d-1"}


def test_what_leaves_holds_a_title_and_a_link_but_no_text_about_somebody(office: Office) -> None:
    with http_server() as server:
        for kind in ("webhook", "wecom", "dingtalk", "feishu"):
            office.made(kind, {"url": f"{server.url}/{kind}"})
        tell()
        assert deliver() == [None] * 4
    assert {request.path for request in server.seen} == {"/webhook", "/wecom", "/dingtalk", "/feishu"}
    for request in server.seen:
        said = request.body.decode()
        assert "有设备需要处理" in said and "/go/device/d-1" in said
        assert TEXT.zh not in said and TEXT.en not in said


@pytest.mark.parametrize("kind", ["wecom", "dingtalk", "feishu"])
def test_a_bot_is_written_to_in_its_own_form(office: Office, kind: str) -> None:
    with http_server() as server:
        office.made(kind, {"url": f"{server.url}/send?key=k1"})
        tell()
        assert deliver() == [None]
    (request,) = server.seen
    assert request.headers["content-type"].startswith("application/json")
    said = headline(request, kind)
    assert "【守机】有设备需要处理" in said and "/go/device/d-1" in said


def test_dingtalk_gets_timestamp_and_sign_in_the_address(office: Office) -> None:
    with http_server() as server:
        office.made("dingtalk", {"url": f"{server.url}/send?access_token=t", "secret": "SECx"})
        tell()
        deliver()
    query = parse_qs(urlsplit(server.seen[0].path).query)
    expected = hmac.new(b"SECx", f"{query['timestamp'][0]}\nSECx".encode(), hashlib.sha256).digest()
    assert base64.b64decode(query["sign"][0]) == expected and query["access_token"] == ["t"]
    assert abs(int(query["timestamp"][0]) / 1000 - clock.now().timestamp()) < 60


def test_feishu_gets_timestamp_and_sign_in_the_body(office: Office) -> None:
    with http_server() as server:
        office.made("feishu", {"url": server.url, "secret": "fsx"})
        tell()
        deliver()
    body = server.seen[0].json
    expected = hmac.new(f"{body['timestamp']}\nfsx".encode(), b"", hashlib.sha256).digest()
    assert base64.b64decode(body["sign"]) == expected


@pytest.mark.parametrize(
    ("kind", "said", "error"),
    [
        ("wecom", b'{"errcode":93000,"errmsg":"invalid webhook url"}', "errcode_93000"),
        ("dingtalk", b'{"errcode":310000,"errmsg":"sign not match"}', "errcode_310000"),
        ("feishu", b'{"code":19021,"msg":"sign match fail"}', "code_19021"),
        ("wecom", b"<html>captive portal</html>", "answer_unreadable"),
        ("feishu", b"{}", "answer_unreadable"),
    ],
)
def test_a_bot_that_says_200_and_an_error_has_not_delivered(office: Office, kind: str, said: bytes, error: str) -> None:
    with http_server(always(200, said)) as server:
        made = office.made(kind, {"url": server.url})
        tell()
        (pause,) = deliver()
    assert pause is not None and office.log(made["id"])[0]["last_error"] == error
    assert office.log(made["id"])[0]["state"] == "waiting"


def test_an_older_feishu_success_counts(office: Office) -> None:
    with http_server(always(200, b'{"StatusCode":0,"StatusMessage":"success"}')) as server:
        office.made("feishu", {"url": server.url})
        tell()
        assert deliver() == [None]


def test_a_failed_message_is_tried_again_with_the_same_id_until_it_arrives(office: Office) -> None:
    with http_server(always(503)) as server:
        made = office.made("webhook", {"url": server.url})
        tell()
        (pause,) = deliver()
        assert pause is not None and 2.5 <= pause <= 5 and deliver() == []
        shown = office.get(f"/{made['id']}").json
        assert (shown["state"], shown["last_error"]) == ("failing", "http_503") and shown["since"]
        server.reply = always(200)
        with time_machine.travel(clock.now() + timedelta(seconds=6)):
            assert deliver() == [None]
    first, second = server.seen
    assert first.headers["webhook-id"] == second.headers["webhook-id"] and first.body == second.body
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]
    (entry,) = office.log(made["id"])
    assert (entry["state"], entry["attempts"], entry["last_error"]) == ("delivered", 2, None)
    assert office.get(f"/{made['id']}").json["state"] == "working" and open_rows() == 0


def test_pauses_double_up_to_an_hour_and_spread_and_heed_the_server(office: Office) -> None:
    for number, longest in enumerate([5, 10, 20, 40, 80]):
        assert longest / 2 <= attempts.pause_after(number) <= longest
    assert 1800 <= attempts.pause_after(500) <= 3600
    assert len({attempts.pause_after(9) for _ in range(10)}) == 10
    assert attempts.pause_after(0, asked=120) == 120 and attempts.pause_after(0, asked=10**7) == 3600
    with http_server(always(429, Retry_After="90")) as server:
        office.made("webhook", {"url": server.url})
        tell()
        assert deliver() == [90.0]


def test_after_a_day_a_message_is_dead_and_whoever_made_the_channel_hears_it_once(office: Office) -> None:
    with http_server(always(500)) as server:
        made = office.made("webhook", {"url": server.url})
        tell()
        tell()
        start = clock.now()
        for hour in range(30):
            with time_machine.travel(start + timedelta(hours=hour)):
                deliver()
    with unit_of_work(write=False) as current:
        assert outbox.depth(current) == 0
    entries = office.log(made["id"])
    assert [entry["state"] for entry in entries] == ["dead", "dead"]
    assert 20 <= entries[0]["attempts"] <= 26 and len(server.seen) == sum(entry["attempts"] for entry in entries)
    told = office.client.get("/api/v1/notices", headers=office.who["admin"]).json["items"]
    assert [item["kind"] for item in told] == ["notification_failed"]


def test_gone_is_final(office: Office) -> None:
    with http_server(always(410)) as server:
        made = office.made("webhook", {"url": server.url})
        tell()
        assert deliver() == [None]
    assert office.log(made["id"])[0]["state"] == "dead" and open_rows() == 0


def test_a_redirect_is_not_followed(office: Office) -> None:
    with http_server() as inside, http_server(always(302, Location=f"{inside.url}/secret")) as server:
        made = office.made("webhook", {"url": server.url})
        tell()
        assert deliver()[0] is not None
    assert office.log(made["id"])[0]["last_error"] == "http_302" and inside.seen == []


def test_a_network_that_was_closed_meanwhile_is_not_called(office: Office, tune: Tune) -> None:
    with http_server() as server:
        made = office.made("webhook", {"url": server.url})
        tell()
        tune(outbound_networks="10.0.0.0/8")
        deliver()
    assert server.seen == [] and office.log(made["id"])[0]["last_error"] == "config_refused"


def test_an_endpoint_that_is_away_is_tried_again(office: Office) -> None:
    with silent_server() as port:
        pass
    made = office.made("webhook", {"url": f"http://127.0.0.1:{port}/"})
    tell()
    assert deliver()[0] is not None
    assert office.log(made["id"])[0]["last_error"] == "no_connection"


def test_a_test_message_is_sent_once_and_the_log_says_what_became_of_it(office: Office) -> None:
    with http_server(always(404)) as server:
        made = office.made("webhook", {"url": server.url}, enabled=False)
        path = f"/api/v1/notification-channels/{made['id']}/test"
        answer = office.client.post(path, headers=office.who["admin"])
        assert answer.status_code == 202 and deliver() == [None]
        (entry,) = office.log(made["id"])
        assert entry["id"] == answer.json["delivery_id"] and entry["test"]
        assert (entry["state"], entry["last_error"]) == ("dead", "http_404")
        server.reply = always(204)
        office.client.post(path, headers=office.who["admin"])
        assert deliver() == [None] and office.log(made["id"])[0]["state"] == "delivered"
    assert server.seen[0].json["data"]["test"] is True


def test_what_a_transaction_takes_back_is_never_sent(office: Office) -> None:
    office.made("webhook", {"url": "https://hooks.example.com/"})
    with pytest.raises(RuntimeError), unit_of_work():
        from notify import notices

        notices.send([], LOUD, TEXT, ("device", "d-1"))
        raise RuntimeError
    assert open_rows() == 0


def test_the_relay_leaves_deliveries_alone(office: Office) -> None:
    office.made("webhook", {"url": "https://hooks.example.com/"})
    tell()
    with unit_of_work(write=False) as current:
        assert outbox.due(current, 10) == []
        assert [row.effect for row in outbox.due(current, 10, EFFECT)] == [EFFECT]


def test_the_log_is_kept_for_a_month(office: Office) -> None:
    with http_server() as server:
        made = office.made("webhook", {"url": server.url})
        tell()
        deliver()
        tell()
        with time_machine.travel(clock.now() + timedelta(days=31)), unit_of_work():
            assert forget_old() == "1 dropped"
    left: list[dict[str, Any]] = office.log(made["id"])
    assert [entry["state"] for entry in left] == ["waiting"]


def test_the_shell_lists_tests_and_shows_the_log(office: Office) -> None:
    runner = world_runner()
    with http_server() as server:
        made = office.made("webhook", {"url": server.url})
        assert f"{made['id']} webhook   new" in runner("list")
        delivery_id = runner("test", made["id"]).strip()
        deliver()
    assert f"{delivery_id} " in runner("log", made["id"]) and " delivered 1 test" in runner("log", made["id"])


def world_runner() -> Any:
    """`flask notify …` in this application; what it printed."""
    from flask import current_app

    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def run(*words: str) -> str:
        result = app.test_cli_runner().invoke(args=["notify", *words])
        assert result.exit_code == 0, result.output
        return str(result.output)

    return run


def test_metrics_count_deliveries_and_failing_channels(office: Office) -> None:
    with http_server(always(500)) as server:
        office.made("webhook", {"url": server.url})
        tell()
        deliver()
    figures = office.client.get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"}).text
    assert 'shouji_notification_deliveries{state="waiting"} 1.0' in figures
    assert "shouji_notification_channels_failing 1.0" in figures

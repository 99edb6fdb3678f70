from __future__ import annotations

from sqlalchemy import delete

from core import witness
from core.audit import AuditEntry, AuditHead
from core.uow import unit_of_work
from fleet.commands import restore
from tests.fleet.phone import Phone
from tests.fleet_commands.desk import WIPE, Desk, hello, jtis, relay, result, say
from tests.fleet_commands.test_requests import phones
from tests.identity import world


def test_open_destructive_commands_end_and_nothing_of_them_is_signed_again(desk: Desk) -> None:
    waiting, queued, sent, received, done = phones(desk, 5)
    ids = {"waiting": desk.sent(waiting, "wipe", WIPE)}
    for name, one in (("sent", sent), ("received", received), ("done", done)):
        ids[name] = desk.approved_wipe(one)
    relay()
    say(result(received, ids["received"], "received"), result(done, ids["done"], "failed"))
    ids["queued"] = desk.approved_wipe(queued)
    ids["reset"] = desk.sent(queued, "reset_passcode")
    ids["ping"] = desk.sent(queued, "ping")
    with unit_of_work():
        assert restore.expire_open_destructive(world.SYSTEM) == 5
    for name in ("waiting", "queued", "sent", "received", "reset"):
        assert desk.status(ids[name]) == "expired", name
    assert desk.status(ids["done"]) == "failed" and desk.status(ids["ping"]) == "queued"
    for one in (waiting, queued, sent, received):
        hello(one)
    assert jtis(relay()) == [ids["ping"]]
    assert desk.decide(ids["waiting"], "approve").status_code == 409
    assert desk.show(ids["waiting"])["approval"]["state"] == "withdrawn"


def test_the_word_of_a_phone_that_was_wiped_before_the_restore_is_believed_but_nothing_is_offered(
    desk: Desk, phone: Phone
) -> None:
    command_id = desk.approved_wipe(phone)
    relay()
    with unit_of_work():
        restore.expire_open_destructive(world.SYSTEM)
    say(result(phone, command_id, "received"))
    assert desk.status(command_id) == "received"
    hello(phone)
    assert relay() == []
    say(result(phone, command_id, "succeeded"))
    assert desk.company.device(phone)["state"] == "wiped"


def test_a_server_that_finds_its_database_restored_starts_frozen(desk: Desk, phone: Phone) -> None:
    command_id = desk.approved_wipe(phone)
    with unit_of_work():
        witness.note_head_after_commit()
    with unit_of_work() as current:
        current.execute(delete(AuditEntry))
        current.execute(delete(AuditHead))
    with unit_of_work():
        assert witness.recover() is True
    witness.path().unlink()
    assert relay() == []
    assert desk.status(command_id) == "expired"
    assert desk.company.get("/freeze").json["frozen"] is True
    (entry,) = desk.audited("installation.restored")
    assert entry["detail"]["commands_expired"] == 1 and entry["detail"]["frozen"] is True

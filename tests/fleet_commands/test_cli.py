from __future__ import annotations

from typing import Any

from click.testing import Result

from tests.fleet.phone import Phone
from tests.fleet_commands.desk import Desk, jtis, relay
from tests.identity.world import PASSWORD


def wipe(desk: Desk, *args: str, password: str = PASSWORD, more: str = "") -> Result:
    runner: Any = desk.company.client.application.test_cli_runner()
    result: Result = runner.invoke(args=["device", "wipe", *args], input=f"{password}\n{more}")
    return result


def test_a_wipe_from_the_shell_is_asked_for_by_a_person_and_waits_for_another(desk: Desk, phone: Phone) -> None:
    done = wipe(desk, phone.id, "--reason", "离职", "--user", "asker", "--confirm", phone.serial)
    assert done.exit_code == 0, done.output
    command_id, status = done.output.split()[-2:]
    assert status == "pending_approval"
    shown = desk.show(command_id)
    assert shown["requested_by_name"] == "asker"
    assert shown["args"] == {"scope": "device", "preserve_records": True, "deadline_s": 900}
    assert desk.decide(command_id, "approve", "asker").status_code == 403
    desk.decide(command_id, "approve")
    assert jtis(relay()) == [command_id]


def test_the_serial_must_be_typed(desk: Desk, phone: Phone) -> None:
    wrong = wipe(desk, phone.id, "--reason", "离职", "--user", "asker", "--confirm", "SN0")
    assert wrong.exit_code == 1 and "serial does not match" in wrong.output
    typed = wipe(desk, phone.id, "--reason", "离职", "--user", "asker", more=f"{phone.serial}\n")
    assert typed.exit_code == 0, typed.output
    assert len(desk.company.get(f"/devices/{phone.id}/commands").json["items"]) == 1


def test_a_wrong_password_or_a_missing_right_asks_for_nothing(desk: Desk, phone: Phone) -> None:
    args = (phone.id, "--reason", "离职", "--confirm", phone.serial)
    assert wipe(desk, *args, "--user", "asker", password="wrong wrong 99").exit_code == 1
    refused = wipe(desk, *args, "--user", "officer")
    assert refused.exit_code == 1 and "command.send" in refused.output
    assert desk.company.get(f"/devices/{phone.id}/commands").json["items"] == []
    foreign = desk.company.enroll(token=desk.company.token(org_unit="/总部/客服"))
    hidden = wipe(desk, foreign.id, "--reason", "离职", "--user", "leader", "--confirm", foreign.serial)
    assert hidden.exit_code == 1 and "no such phone" in hidden.output

from __future__ import annotations

import pytest
from click.testing import Result
from flask import Flask

from core import clock
from core.errors import Unauthenticated
from core.uow import unit_of_work
from identity import sign_in
from tests.identity import world
from tests.identity.world import PASSWORD


def run(app: Flask, *arguments: str, stdin: str = f"{PASSWORD}\n") -> Result:
    return app.test_cli_runner().invoke(args=["staff", *arguments], input=stdin)


def test_an_administrator_is_created_with_a_password_from_stdin(app: Flask) -> None:
    result = run(app, "create-admin", "boss", "--name", "老板")
    assert result.exit_code == 0, result.output
    boss = world.actor("boss")
    assert (boss.name, boss.roles) == ("老板", frozenset({"platform_admin"}))
    assert PASSWORD not in result.output


def test_a_taken_name_or_a_weak_password_ends_the_command_with_the_reason(app: Flask) -> None:
    world.person("boss")
    taken = run(app, "create-admin", "boss")
    weak = run(app, "create-admin", "other", stdin="short\n")
    assert (taken.exit_code, weak.exit_code) == (1, 1)
    assert "This user name is taken." in taken.output
    assert "密码至少 12 个字符" in weak.output


def test_a_reset_sets_the_password_ends_sessions_and_can_drop_the_second_factor(app: Flask) -> None:
    import pyotp

    from identity import totp

    world.person("boss", "platform_admin")
    before = world.actor("boss")
    with unit_of_work():
        secret = totp.enroll(before).secret
        totp.confirm(before, pyotp.TOTP(secret).now())
    token = world_cookie("boss", pyotp.TOTP(secret).at(clock.unix() + 30))
    result = run(app, "reset-password", "boss", "--remove-totp", stdin="an entirely new one\n")
    assert result.exit_code == 0, result.output
    assert world.authenticate(cookie=token) is None
    with pytest.raises(Unauthenticated), unit_of_work():
        sign_in.console("boss", PASSWORD)
    with unit_of_work():
        sign_in.console("boss", "an entirely new one")


def world_cookie(username: str, otp: str) -> str:
    with unit_of_work():
        return str(sign_in.console(username, PASSWORD, otp).token)


def test_an_unknown_name_is_said(app: Flask) -> None:
    result = run(app, "reset-password", "nobody")
    assert result.exit_code == 1
    assert "There is no such person." in result.output


def test_no_command_takes_a_password_as_an_argument(app: Flask) -> None:
    from identity.cli import cli

    for command in cli.commands.values():
        assert not [name for param in command.params for name in param.opts if "password" in name]

from __future__ import annotations

from flask import Flask

from tests.compliance.bureau import Bureau


def run(app: Flask, *words: str) -> str:
    result = app.test_cli_runner().invoke(args=["compliance", *words])
    assert result.exit_code == 0, result.output
    return str(result.output)


def test_the_shell_tells_how_the_fleet_stands(app: Flask, bureau: Bureau) -> None:
    bureau.rule()
    phone = bureau.phone()
    bureau.beat(phone, rooted=True)
    assert "1 judged" in run(app, "judge", phone.id)
    told = run(app, "summary")
    assert "noncompliant" in told and "notify_holder" in told and "root" in told
    assert phone.id in run(app, "findings", "--severity", "critical")
    assert "policy_stale" in run(app, "checks")
    assert run(app, "exceptions") == ""


def test_a_phone_that_is_not_there_is_not_judged_in_silence(app: Flask, bureau: Bureau) -> None:
    result = app.test_cli_runner().invoke(args=["compliance", "judge", bureau.phone().id, "nobody"])
    assert (result.exit_code, "1 judged" in result.output) == (1, True)

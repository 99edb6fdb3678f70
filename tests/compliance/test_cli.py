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

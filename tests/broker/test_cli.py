"""`flask broker …`: what an operator sees and which exit code a script gets."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from mqtt.broker.acl import for_devices
from tests.broker.parts import Installation
from tests.broker.test_canaries import started_with


def app_of(installation: Installation) -> Flask:
    return create_app(installation.settings)


def test_check_names_every_canary_of_a_safe_broker(broker: Installation) -> None:
    result = app_of(broker).test_cli_runner().invoke(args=["broker", "check"])
    assert result.exit_code == 0, result.output
    assert "foreign_topic_refused" in result.output
    assert "Safe" in result.output


def test_check_ends_with_1_over_an_unsafe_broker(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mqtt.broker.managed.for_managed_broker", lambda: "pattern readwrite #\n")
    with started_with(installation, lambda made: None):
        result = app_of(installation).test_cli_runner().invoke(args=["broker", "check"])
    assert result.exit_code == 1
    assert "FAIL  foreign_topic_refused" in result.output


def test_check_says_what_to_do_when_the_broker_is_away(installation: Installation) -> None:
    result = app_of(installation).test_cli_runner().invoke(args=["broker", "check"])
    assert result.exit_code == 1
    assert "flask broker check" in result.output


def test_print_acl_gives_the_phones_patterns_and_the_named_user(installation: Installation) -> None:
    result = app_of(installation).test_cli_runner().invoke(args=["broker", "print-acl", "the-server"])
    assert result.exit_code == 0
    assert result.output.startswith("user the-server\n")
    assert for_devices() in result.output


def test_certificate_issues_a_pair_that_phones_trust(installation: Installation, tmp_path: Path) -> None:
    out = tmp_path / "tls"
    result = (
        app_of(installation)
        .test_cli_runner()
        .invoke(args=["broker", "certificate", "broker.example.org", "192.0.2.1", "--out", str(out)])
    )
    assert result.exit_code == 0, result.output
    ssl.create_default_context(cafile=out / "ca.pem").load_cert_chain(out / "broker.pem", out / "broker.key")
    assert (out / "broker.key").stat().st_mode & 0o777 == 0o600

"""What lies in deploy/ names what is really there."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from flask import Flask

from core import jobs, metrics, roles
from core.actor import system_actor
from core.runtime import runtime
from core.uow import unit_of_work
from mqtt.broker.files import BrokerFiles
from operations import backup
from tests.support.server import ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())


def _section(unit: Path, name: str) -> dict[str, str]:
    parsed = configparser.ConfigParser(strict=False, interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment, method-assign]
    parsed.read_string(unit.read_text("utf-8"))
    return dict(parsed[name])


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.suffix == ".service"], ids=lambda unit: unit.name)
def test_each_unit_starts_a_command_that_there_is(app: Flask, unit: Path) -> None:
    words = shlex.split(_section(unit, "Service")["ExecStart"].replace("%i", "worker"))
    assert words[0] == "/opt/shouji/.venv/bin/flask"
    command = app.cli
    for word in words[1:]:
        if word.startswith("--"):
            break
        command = command.commands[word]  # type: ignore[assignment]
    named = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= named


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_understands_every_directive() -> None:
    told = subprocess.run(["systemd-analyze", "verify", *map(str, UNITS)], capture_output=True, text=True, check=False)
    wrong = [line for line in told.stderr.splitlines() if "Unknown" in line or "Failed to parse" in line]
    assert wrong == []


def test_every_figure_of_the_dashboard_is_exposed(app: Flask, tmp_path: Path) -> None:
    dashboard = json.loads((DEPLOY / "grafana" / "shouji.json").read_text("utf-8"))
    queries = json.dumps([panel["targets"] for panel in dashboard["panels"]])
    used = {re.sub("_(bucket|count|sum)$", "", name) for name in re.findall(r"shouji_[a-z_]+", queries)}
    with unit_of_work() as session:
        roles.report(session, "worker", 1, {"ingest_stored": 1})
    jobs.run("witness")
    taken = backup.take(tmp_path)
    with unit_of_work():
        backup.note(system_actor("test"), taken)
    files = BrokerFiles.in_data_dir(runtime().settings.data_dir)
    files.crl.write_bytes(runtime().ca.crl([]))
    with unit_of_work(write=False):
        exposed = set(re.findall(r"^# TYPE (\S+)", metrics.exposition().decode(), re.MULTILINE))
    assert len(used) > 10
    assert used <= exposed

"""A simulation played against a running server, which is then held against its ledger."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server import PASSWORD, ROOT, Server

SCENARIO = """
title = "short and rough"
seconds = 12
settle_s = 90
pace = 1800
heartbeat_s = 2

[network]
drop = 0.04
duplicate = 0.08
delay = 0.1
delay_s = 1
reorder = 0.05

[[step]]
at = 1
do = "root"
phones = [0]

[[step]]
at = 2
do = "remove_admin"
phones = [1]

[[step]]
at = 4
do = "skew_clock"
phones = [3]

[[step]]
at = 3
do = "refuse_policy"
phones = [2]
for = 2

[[step]]
at = 5
do = "lose_network"
phones = "30%"
for = 3

[[step]]
at = 9
do = "storm"
"""

POLICY = """
apiVersion: shouji/v1
kind: Policy
metadata: {name: posture}
spec: {device: {require: [agent_admin], forbid: [root]}}
---
apiVersion: shouji/v1
kind: Assignment
metadata: {name: posture}
spec: {policy: posture, to: {org_unit: /}}
"""


def _agent(*words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "agent", *words]
    return subprocess.run(command, cwd=ROOT, input=typed, capture_output=True, text=True, check=False, timeout=200)


@pytest.mark.timeout(240)
def test_after_a_rough_scenario_the_server_holds_everything_that_the_ledger_says(
    server: Server, tmp_path: Path
) -> None:
    server.api.post("documents/apply?publish=true", POLICY, "application/yaml")
    file, ledger = tmp_path / "rough.toml", tmp_path / "ledger.jsonl"
    file.write_text(SCENARIO, "utf-8")
    words = ("--server", server.base_url, "--ledger", str(ledger))
    played = _agent("fleet", *words, "--code", server.token(), "--count", "10", "--scenario", str(file))
    assert played.returncode == 0, played.stdout + played.stderr
    assert "dropped" in played.stdout and "storm 10" in played.stdout

    held = _agent("check", *words, "--username", "admin", typed=PASSWORD)
    assert held.returncode == 0, held.stdout + held.stderr
    assert "10 phones" in held.stdout and "all there" in held.stdout

    lines = [json.loads(line) for line in ledger.read_text("utf-8").splitlines()]
    for line in lines:
        line["records"] = line.get("records", 0) + 1
    ledger.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    forged = _agent("check", *words, "--username", "admin", typed=PASSWORD)
    assert forged.returncode == 1 and "10 missing" in forged.stdout


def test_a_wrong_scenario_ends_with_status_2_before_anything_enrolls(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text("[[step]]\nat = 1\ndo = 'dance'\n", "utf-8")
    words = ("--server", server.base_url, "--code", "x", "--count", "1", "--scenario", str(file))
    played = _agent("fleet", *words)
    assert played.returncode == 2 and "dance" in played.stderr

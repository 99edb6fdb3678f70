"""The rule engine: postures and the ladder, what it does not know, and what it stands on."""

from __future__ import annotations

import ast
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import TypeAdapter

from policies import engine
from policies.engine import (
    Posture,
    Situation,
    decide,
    read_rules,
    schemas,
)
from tests.policies.situations import MONDAY, bundle, call

DEVICE = {
    "minimum_os": {"android": "13"},
    "maximum_patch_age_days": 180,
    "require": ["encryption", "passcode", "permissions", "agent_admin"],
    "forbid": ["root", "developer_mode"],
    "maximum_offline_hours": 72,
}
GOOD: dict[str, Any] = {
    "minute": MONDAY,
    "os": "android",
    "os_version": "13.0",
    "encrypted": True,
    "passcode": True,
    "rooted": False,
    "developer_mode": False,
    "agent_admin": True,
    "permissions": {"sms": True},
    "security_patch": "2026-10-05",
    "offline_seconds": 10,
}


def findings(**changes: Any) -> list[str | None]:
    verdict = decide(bundle({"device": DEVICE}), Posture.model_validate({**GOOD, **changes}))
    return [reason.finding for reason in verdict.because]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"encrypted": False}, ["encryption"]),
        ({"rooted": True}, ["root"]),
        ({"developer_mode": True, "passcode": False}, ["passcode", "developer_mode"]),
        ({"os_version": "12.1"}, ["os_version"]),
        ({"os": "harmonyos", "os_version": "3"}, []),
        ({"permissions": {"sms": False}}, ["permissions"]),
        ({"security_patch": "2026-05-01"}, ["patch_age"]),
        ({"security_patch": "nonsense"}, []),
        ({"offline_seconds": 73 * 3600}, ["offline"]),
        ({"encrypted": None, "rooted": None, "permissions": None, "os_version": None}, []),
    ],
)
def test_a_posture_that_falls_short_is_a_finding_and_the_unknown_is_none(changes: Any, found: list[str]) -> None:
    assert findings(**changes) == found


@pytest.mark.parametrize(("hours", "action"), [(0, "warn"), (23, "warn"), (25, "warn"), (73, "lock")])
def test_the_most_severe_step_that_was_reached_wins(hours: int, action: str) -> None:
    ladder = [
        {"when": "any", "after": "0h", "do": "notify_holder"},
        {"when": "any", "after": "24h", "do": "alert"},
        {"when": ["root"], "after": "72h", "do": "lock"},
    ]
    rules = bundle({"device": DEVICE, "compliance": ladder})
    since = {"root": MONDAY - timedelta(hours=hours)}
    assert decide(rules, Posture.model_validate({**GOOD, "rooted": True, "since": since})).action == action


def test_findings_of_others_climb_the_same_ladder() -> None:
    rules = bundle({"compliance": [{"when": ["integrity"], "after": "1h", "do": "lock"}]})
    since = {"integrity": MONDAY - timedelta(hours=2)}
    seen = Posture.model_validate({**GOOD, "other_findings": ["integrity"], "since": since})
    assert decide(rules, seen).action == "lock"


def test_an_unknown_member_or_family_makes_that_family_unsupported_and_no_other() -> None:
    reading = read_rules(
        {
            "protection": {"deny": ["screenshot"], "later": 1},
            "payments": {"transfer": "block"},
            "holograms": {},
            "device": {"heartbeat_seconds": "60"},
        }
    )
    assert reading.outcome == {
        "protection": "unsupported",
        "payments": "enforced",
        "holograms": "unsupported",
        "device": "unsupported",
    }
    assert set(reading.rules) == {"payments"}


def test_a_family_that_the_phone_cannot_carry_out_is_unsupported() -> None:
    rules = {"payments": {"transfer": "block"}, "location": {"mode": "off"}}
    assert read_rules(rules, frozenset({"location"})).outcome == {"payments": "unsupported", "location": "enforced"}


def test_a_situation_travels_as_json() -> None:
    reader = TypeAdapter[Any](Situation)
    sent = reader.dump_json(call(relation="customer"))
    assert reader.validate_json(sent) == call(relation="customer")


def test_the_schemas_describe_what_the_engine_reads_and_what_we_ship() -> None:
    golden = Path(__file__).parent / "golden"
    import json

    for name in ("bundle", "keyword_set", "calendar"):
        document = json.loads((golden / f"{name}.json").read_bytes())
        jsonschema.Draft202012Validator.check_schema(schemas()[name])
        jsonschema.validate(document, schemas()[name])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"schema": 1, "rules": {"holograms": {}}, "blobs": []}, schemas()["bundle"])


def test_the_engine_stands_on_pydantic_two_matchers_and_the_standard_library_alone() -> None:
    allowed = {*sys.stdlib_module_names, "pydantic", "pydantic_core", "ahocorasick_rs", "re2"}
    for file in Path(engine.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            for name in names:
                assert name.startswith("policies.engine") or name.split(".")[0] in allowed, f"{file.name}: {name}"

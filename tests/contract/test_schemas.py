"""JSON Schema of every message: valid schemas that agree with the models, and a package that stays pure."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import mqtt.contract
from mqtt.contract.schema import MODELS, schemas
from tests.contract.test_messages import GOOD

SCHEMAS = schemas()


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_a_valid_schema(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


def test_the_schema_accepts_what_the_model_accepts() -> None:
    for name, model in MODELS.items():
        if model in GOOD:
            Draft202012Validator(SCHEMAS[name]).validate(GOOD[model])


def test_the_schema_of_args_forbids_unknown_members() -> None:
    assert not Draft202012Validator(SCHEMAS["command-ping-args"]).is_valid({"x": 1})
    assert Draft202012Validator(SCHEMAS["presence"]).is_valid({**GOOD[MODELS["presence"]], "x": 1})


def test_the_contract_needs_the_standard_library_and_pydantic_alone() -> None:
    allowed = {*sys.stdlib_module_names, "pydantic", "mqtt"}
    folder = Path(str(mqtt.contract.__file__)).parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            for name in names:
                assert name.split(".")[0] in allowed, f"{path.name} imports {name}"
                assert not name.startswith("mqtt.") or name.startswith("mqtt.contract"), path.name

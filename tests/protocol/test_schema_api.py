"""The JSON Schemas that the server serves to authors of agents."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

from policies.wire_schemas import wire_schemas
from tests.contract.test_messages import GOOD

BUNDLE: dict[str, Any] = {
    "schema": 1,
    "rules": {"device": {"heartbeat_seconds": 30}, "keywords": []},
    "blobs": [{"digest": "ab" * 32, "size": 98, "key": "A" * 43, "kind": "keyword_set", "name": "abuse"}],
}


def test_the_list_names_every_schema_and_where_it_is(client: FlaskClient) -> None:
    answer = client.get("/api/v1/schemas")
    assert answer.status_code == 200
    items = {item["name"]: item["url"] for item in answer.get_json()["items"]}
    assert set(items) == set(wire_schemas())
    for url in items.values():
        assert client.get(url).status_code == 200


@pytest.mark.parametrize("name", ["hello", "bundle", "keyword-set", "fold-table", "calendar", "command-wipe-args"])
def test_one_schema_is_served_to_everybody(client: FlaskClient, name: str) -> None:
    answer = client.get(f"/api/v1/schemas/{name}")
    assert answer.mimetype == "application/schema+json"
    schema = answer.get_json()
    Draft202012Validator.check_schema(schema)
    assert schema == wire_schemas()[name]
    assert schema["$id"] == f"shouji/v1/{name}"


def test_another_name_is_not_found_and_the_names_are_told(client: FlaskClient) -> None:
    answer = client.get("/api/v1/schemas/helo", headers={"Accept-Language": "en"})
    assert answer.status_code == 404
    assert answer.get_json()["code"] == "no_such_schema"
    assert "hello" in answer.get_json()["detail"]


def test_the_schema_of_a_bundle_knows_the_families() -> None:
    validator = Draft202012Validator(wire_schemas()["bundle"])
    validator.validate(BUNDLE)
    for family, rule in (("device", {"heartbeat_second": 30}), ("telepathy", {})):
        wrong = copy.deepcopy(BUNDLE)
        wrong["rules"][family] = rule
        assert not validator.is_valid(wrong)


def test_the_messages_of_the_contract_fit_the_schemas_that_are_served() -> None:
    for model, message in GOOD.items():
        found = [schema for schema in wire_schemas().values() if schema.get("title") == model.__name__]
        assert len(found) <= 1 or model.__name__ == "Bundle"
        for schema in found:
            Draft202012Validator(schema).validate(message)

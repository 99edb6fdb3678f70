"""The AsyncAPI document: valid, complete, and the same as contract, page and file."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft7Validator, Draft202012Validator

from mqtt.contract import topics
from mqtt.contract.carriage import CARRIAGES, Carriage
from mqtt.contract.names import RETAINED_DOWN, Down, Typ, Up
from policies.asyncapi import VERSION, document
from scripts import protocol_page
from tests.contract.test_messages import GOOD
from tests.support.server import ROOT

SPECIFICATION = ROOT / "node_modules" / "@asyncapi" / "specs" / "schemas" / f"{VERSION}-without-$id.json"
DEVICE_ID = "0c9cf2d5-6ea4-4a8c-9b0f-3a6a4f4fd1a3"


def _wire() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(document()))
    return made


def _resolve(reference: str) -> Any:
    found: Any = _wire()
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def _references(part: Any) -> list[str]:
    if isinstance(part, list):
        return [one for item in part for one in _references(item)]
    if not isinstance(part, dict) or "$schema" in part:
        return []
    own = [part["$ref"]] if "$ref" in part else []
    return own + [one for item in part.values() for one in _references(item)]


def test_the_document_is_valid_asyncapi_3() -> None:
    specification = json.loads(SPECIFICATION.read_text("utf-8"))
    errors = [
        f"{list(one.absolute_path)}: {one.message}" for one in Draft7Validator(specification).iter_errors(_wire())
    ]
    assert errors == []


def test_a_document_that_is_wrong_is_told_apart() -> None:
    specification = json.loads(SPECIFICATION.read_text("utf-8"))
    wrong = _wire()
    wrong["operations"]["send-hello"]["action"] = "shout"
    assert not Draft7Validator(specification).is_valid(wrong)


def test_every_reference_leads_somewhere_in_the_document() -> None:
    found = _references(_wire())
    assert len(found) > len(CARRIAGES)
    for reference in found:
        assert _resolve(reference), reference


def test_the_file_is_that_of_the_code() -> None:
    stored = protocol_page.ASYNCAPI.read_text("utf-8")
    assert stored == protocol_page.asyncapi_file(), "run: python -m scripts.protocol_page"


def test_every_topic_of_the_contract_is_there_with_its_way_and_retention() -> None:
    expected = {topics.up(DEVICE_ID, kind): ("send", False) for kind in Up}
    expected |= {topics.down(DEVICE_ID, kind): ("receive", kind in RETAINED_DOWN) for kind in Down}
    told = {}
    for operation in _wire()["operations"].values():
        address = _resolve(operation["channel"]["$ref"])["address"].replace("{device_id}", DEVICE_ID)
        told[address] = operation["action"], operation["bindings"]["mqtt"]["retain"]
    assert told.pop("shouji/v1/blobs/{digest}") == ("receive", True)
    assert told == expected


def test_every_typ_that_goes_over_mqtt_is_on_exactly_one_message() -> None:
    used = [one.typ for one in CARRIAGES if one.typ]
    assert len(used) == len(set(used))
    assert set(Typ) - set(used) == {Typ.DEVICE_JWT, Typ.JWKS, Typ.STATUS, Typ.NOTICE}, "those go over HTTP"


@pytest.mark.parametrize("carriage", [one for one in CARRIAGES if one.name != "blob"], ids=lambda one: one.name)
def test_the_page_tells_the_same_envelope(carriage: Carriage) -> None:
    topic = carriage.topic.removeprefix("shouji/v1/").replace("{device_id}", "{id}")
    row = next(line for line in protocol_page.PAGE.read_text("utf-8").splitlines() if line.startswith(f"| `{topic}` |"))
    assert carriage.typ is None or f"`{carriage.typ}`" in row
    assert ("JWE" in row) == any(one.encrypted for one in CARRIAGES if one.topic == carriage.topic)


def test_good_messages_fit_the_payloads_of_the_document() -> None:
    checked = set()
    schemas = _wire()["components"]["schemas"]
    for model, message in GOOD.items():
        for name, schema in schemas.items():
            if schema["schema"].get("title") == model.__name__:
                Draft202012Validator(schema["schema"]).validate(message)
                checked.add(name)
    assert {"hello", "heartbeat", "reported", "result", "desired", "command", "archived"} <= checked


def test_it_is_served_to_everybody_and_shown_on_a_page(client: FlaskClient) -> None:
    answer = client.get("/asyncapi.json")
    assert (answer.status_code, answer.mimetype) == (200, "application/vnd.aai.asyncapi+json")
    assert json.loads(answer.data) == _wire()
    page = client.get("/docs/device", headers={"Accept-Language": "en"}).text
    shown = re.findall(r'<code class="doc-path">([^<]+)</code>', page)
    assert shown == [one.topic for one in CARRIAGES]

"""The API reference."""

from __future__ import annotations

import re
from typing import Any

from console import openapi_view
from core.http.access import Access
from core.text import Text
from tests.console.site import ENGLISH, Site

DOCUMENT = {
    "paths": {
        "/things/{id}": {
            "post": {
                "tags": ["things"],
                "summary": "Make one",
                "x-demand": Access.PUBLIC.value,
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 36.0}}
                ],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                "responses": {"201": {"description": "Made", "content": {}}},
            }
        }
    },
    "components": {
        "schemas": {
            "Thing": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "description": "Its name"},
                    "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Part"}},
                    "again": {"$ref": "#/components/schemas/Thing"},
                },
            },
            "Part": {"type": "object", "properties": {"kind": {"type": "string", "enum": ["a", "b"]}}},
        }
    },
}


def test_schemas_are_flattened_with_nested_members_as_paths() -> None:
    (operation,) = openapi_view.by_tag(DOCUMENT)["things"]
    assert operation.demand == Text("公开", "public")
    assert operation.anchor == "post-things-id"
    assert [(place, one.path, one.note) for place, one in operation.parameters] == [("path", "id", "maxLength 36")]
    members = {member.path: member for member in operation.body}
    assert members["name"].required and members["name"].note == "Its name"
    assert members["note"].type == "string | null" and not members["note"].required
    assert members["parts"].type == "object[]"
    assert members["parts[].kind"].note == "a | b"


def test_a_schema_that_names_itself_ends() -> None:
    (operation,) = openapi_view.by_tag(DOCUMENT)["things"]
    assert "again.name" in {member.path for member in operation.body}
    assert len(operation.body) < 100


def test_the_reference_lists_every_operation_of_the_document_with_its_demand(site: Site) -> None:
    browser = site.visitor()
    document: Any = browser.get("/openapi.json").json
    count = sum(len(item) for item in document["paths"].values())
    page = browser.get("/docs", headers=ENGLISH).text
    assert page.count('<details class="doc-op"') == count
    assert f"{count} operations" in page
    lock = re.search(r'id="post-api-v1-devices-id-commands">.*?</summary>', page, re.S)
    assert lock and "command.send" in lock.group(0)


def test_the_reference_is_open_to_all_and_keeps_the_frame_of_whoever_is_signed_in(site: Site) -> None:
    assert 'action="/sign-out"' not in site.visitor().get("/docs").text
    assert 'action="/sign-out"' in site.person().get("/docs").text

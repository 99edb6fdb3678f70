"""The OpenAPI document of the whole server: valid, complete, and true to what routes take."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.support.databases import Databases

Operation = tuple[str, str, dict[str, Any]]
TAKE_NOTHING = {
    "/api/v1/documents/held/{id}/withdraw",
    "/api/v1/imports/{id}/cancel",
    "/api/v1/imports/{id}/confirm",
    "/api/v1/notification-channels/{id}/test",
    "/api/v1/auth/sign-out",
    "/api/v1/auth/totp",
    "/api/v1/integrity-alerts/{id}/acknowledge",
    "/api/v1/quarantine/{id}/replay",
}
JOSE, PROBLEM = "application/jose", "application/problem+json"


@pytest.fixture(scope="module")
def document(databases: Databases) -> dict[str, Any]:
    answer = databases.app("sqlite").test_client().get("/openapi.json")
    assert answer.status_code == 200
    made: dict[str, Any] = json.loads(answer.text)
    return made


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        yield from ((path, method, operation) for method, operation in item.items())


def body_of(document: dict[str, Any], path: str, media_type: str = "application/json") -> dict[str, Any]:
    """The schema of a body, with the document's components at hand for what it refers to."""
    content = document["paths"][path]["post"]["requestBody"]["content"]
    return {**content[media_type]["schema"], "components": document["components"]}


def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_a_wrong_document_is_told_apart(document: dict[str, Any]) -> None:
    wrong = {**document, "paths": {"/x": {"post": {"responses": {"200": {}}}}}}
    assert list(OpenAPIV31SpecValidator(wrong).iter_errors())


def test_every_operation_that_takes_a_body_says_which(document: dict[str, Any]) -> None:
    silent = {
        path
        for path, method, operation in operations(document)
        if method in ("post", "put", "patch") and "requestBody" not in operation
    }
    assert silent == TAKE_NOTHING
    for path, method, operation in operations(document):
        for media_type, said in operation.get("requestBody", {}).get("content", {}).items():
            text = media_type == JOSE
            assert said["schema"].get("type") == "string" if text else "$ref" in said["schema"], (method, path)


def test_every_operation_says_what_it_answers_and_with_which_problems(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        answers = operation["responses"]
        good = [status for status in answers if status.startswith("2")]
        assert good, (method, path)
        assert all(status == "204" or answers[status]["content"] for status in good), (method, path)
        expected = {"400", "422", "default"} | ({"401", "403"} if "security" in operation else set())
        expected |= {"404"} if "{" in path else set()
        assert expected <= set(answers), (method, path)
        assert all(PROBLEM in answers[status]["content"] for status in expected), (method, path)


@pytest.mark.parametrize(
    ("path", "media_types"),
    [
        ("/api/v1/enroll", {"application/json"}),
        ("/api/v1/device/certificate", {"application/json"}),
        ("/api/v1/device/notice", {"application/json"}),
        ("/api/v1/device/results", {JOSE}),
        ("/api/v1/device/records", {JOSE}),
        (
            "/api/v1/documents/apply",
            {"application/json", "application/yaml", "application/x-yaml", "text/yaml"},
        ),
    ],
)
def test_bodies_that_views_read_themselves_are_described_too(
    document: dict[str, Any], path: str, media_types: set[str]
) -> None:
    assert set(document["paths"][path]["post"]["requestBody"]["content"]) == media_types


def test_documents_are_described_to_their_last_member(document: dict[str, Any]) -> None:
    good: dict[str, Any] = {
        "apiVersion": "shouji/v1",
        "kind": "Assignment",
        "metadata": {"name": "sales"},
        "spec": {"policy": "sales", "to": {"org_unit": "/总部"}},
    }
    several = Draft202012Validator(body_of(document, "/api/v1/documents/apply"))
    one = Draft202012Validator(body_of(document, "/api/v1/documents/apply", "application/yaml"))
    assert several.is_valid(good) and several.is_valid([good, good]) and one.is_valid(good)
    for wrong in ({**good, "kind": "Policies"}, {**good, "spec": {**good["spec"], "too": 1}}, {**good, "spec": {}}):
        assert not several.is_valid(wrong) and not one.is_valid(wrong)


def test_classes_of_one_name_in_two_rooms_are_kept_apart(document: dict[str, Any]) -> None:
    def answered(path: str) -> set[str]:
        reference = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        return set(document["components"]["schemas"][reference.rsplit("/", 1)[1]]["properties"])

    assert answered("/api/v1/notice") == {"version", "texts"}
    assert "max_uses" in answered("/api/v1/enrollment-tokens/{id}")

"""JSON Schemas of the device protocol, for everybody who writes an agent."""

from __future__ import annotations

from typing import Annotated

from flask import Response, current_app, json
from pydantic import BaseModel, Field

from core.errors import NotFound
from core.http.access import Access, Content
from core.http.answers import reply
from core.http.routes import Api
from core.text import Text
from policies.asyncapi import document
from policies.wire_schemas import wire_schemas

api = Api("schemas", __name__)
asyncapi = Api("asyncapi", __name__, prefix="")
SCHEMA_JSON = "application/schema+json"
ASYNCAPI_JSON = "application/vnd.aai.asyncapi+json"
ANSWER: Content = {SCHEMA_JSON: {"type": "object"}}
ASYNCAPI: Content = {ASYNCAPI_JSON: {"type": "object"}}


class SchemaName(BaseModel):
    """Which schema."""

    name: Annotated[str, Field(max_length=64)]


class SchemaRead(BaseModel):
    """A schema: its name, what it describes, and where it is."""

    name: str
    description: str
    url: str


class SchemasRead(BaseModel):
    """All schemas."""

    items: list[SchemaRead]


@api.get("/schemas", Access.PUBLIC, {200: SchemasRead})
def list_schemas() -> Response:
    """JSON Schemas of all messages and documents of the device protocol."""
    items = [
        SchemaRead(name=name, description=schema.get("description", ""), url=f"/api/v1/schemas/{name}")
        for name, schema in wire_schemas().items()
    ]
    return reply(SchemasRead(items=items))


@api.get("/schemas/<name>", Access.PUBLIC, {200: ANSWER})
def get_schema(path: SchemaName) -> Response:
    """One JSON Schema (2020-12)."""
    schema = wire_schemas().get(path.name)
    if schema is None:
        known = ", ".join(wire_schemas())
        raise NotFound(
            "no_such_schema", Text(f"没有此结构。可用：{known}", f"There is no such schema. There are: {known}")
        )
    return current_app.response_class(json.dumps(schema), mimetype=SCHEMA_JSON)


@asyncapi.get("/asyncapi.json", Access.PUBLIC, {200: ASYNCAPI})
def asyncapi_json() -> Response:
    """The device protocol over MQTT as an AsyncAPI 3 document."""
    return current_app.response_class(json.dumps(document()), mimetype=ASYNCAPI_JSON)

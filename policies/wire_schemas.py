"""JSON Schema of everything that phones read and send: the messages of the contract, and the documents of the rules."""

from __future__ import annotations

from functools import cache
from typing import Any

from mqtt.contract.schema import schemas as messages
from policies.engine.schemas import schemas as documents

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@cache
def wire_schemas() -> dict[str, dict[str, Any]]:
    """JSON Schema (2020-12) by name, in the order of the names.

    `bundle` is the rule engine's: it knows the families, of which the contract alone knows the names.
    """
    found = messages()
    for name, schema in documents().items():
        wire_name = name.replace("_", "-")
        body = {member: value for member, value in schema.items() if member != "$schema"}
        found[wire_name] = {"$schema": DIALECT, "$id": f"shouji/v1/{wire_name}", **body}
    return dict(sorted(found.items()))

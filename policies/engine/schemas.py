"""The bundle document, and JSON Schemas of all documents that a phone reads."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model

from policies.engine.documents import FoldTable, KeywordSet, WorkCalendar
from policies.engine.families import FAMILIES

SCHEMA = 1
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
BlobKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class BlobReference(BaseModel):
    """A document that the rules name, by the address and the key of its blob."""

    model_config = ConfigDict(strict=True, frozen=True)

    digest: Digest
    size: Annotated[int, Field(gt=0)]
    key: BlobKey
    kind: Literal["keyword_set", "fold_table", "calendar"]
    name: str


class BundleDocument(BaseModel):
    """The document inside a bundle's blob. `rules` is read family by family with `read_rules`."""

    model_config = ConfigDict(strict=True, frozen=True, populate_by_name=True)

    schema_version: Annotated[Literal[1], Field(alias="schema")]
    rules: dict[str, Any]
    blobs: list[BlobReference]


def schemas() -> dict[str, dict[str, Any]]:
    """JSON Schema 2020-12 of bundle, keyword set, calendar and fold table, by name."""
    families: dict[str, Any] = {name: (family.type | None, None) for name, family in FAMILIES.items()}
    rules = create_model("Rules", __config__=ConfigDict(extra="forbid"), **families)
    bundle = create_model("Bundle", __base__=BundleDocument, rules=(rules, ...))
    forms: dict[str, Any] = {
        "bundle": bundle,
        "keyword_set": KeywordSet,
        "calendar": WorkCalendar,
        "fold_table": FoldTable,
    }
    return {name: {"$schema": _DIALECT, **TypeAdapter(form).json_schema()} for name, form in forms.items()}

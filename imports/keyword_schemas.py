"""What the import of keyword lists takes and answers over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal

from flask_openapi3.models.file import FileStorage
from pydantic import BaseModel, ConfigDict, Field

from policies.faults import Fault


class SetPath(BaseModel):
    """A keyword set."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]


class TermsForm(BaseModel):
    """A list of terms: text (one a line), CSV in UTF-8 or GB18030, or XLSX.

    Nothing is stored unless `save` is true; then the set is a draft. `mode` adds the terms to the set's, or replaces
    them. `revision` is the set's as the preview told it. A set that is kept in files needs `take_over` and a reason.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    file: FileStorage
    mode: Literal["add", "replace"] = "add"
    save: bool = False
    revision: Annotated[int, Field(ge=1)] | None = None
    take_over: bool = False
    reason: Annotated[str, Field(max_length=500)] = ""


class HintRead(BaseModel):
    """What is odd about a term."""

    code: str
    term: str
    other: str
    text: str


class TermsRead(BaseModel):
    """What the import does, or did: counts of terms, and the first 200 of the faults, repeated lines and hints."""

    form: str
    encoding: str | None
    saved: bool
    revision: int | None
    terms: int
    added: int
    changed: int
    unchanged: int
    removed: int
    faulty: int
    faults: list[Fault]
    repeats: int
    repeated: list[int]
    odd: int
    hints: list[HintRead]

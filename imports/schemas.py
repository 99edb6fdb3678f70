"""Bodies and queries of this room's HTTP interface."""

from __future__ import annotations

from typing import Literal

from flask_openapi3.models.file import FileStorage
from pydantic import BaseModel, ConfigDict

from core.http.fields import PageQuery
from core.verdicts import Outcome
from core.views import Spoken

KindName = Literal["org_units", "people", "phones"]


class ImportForm(BaseModel):
    """A file to import, as `multipart/form-data`: CSV (UTF-8 or GB18030) or XLSX."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    kind: KindName
    file: FileStorage


class TemplatePath(BaseModel):
    """Which template."""

    kind: KindName
    form: Literal["csv", "xlsx"]


class LinesQuery(PageQuery):
    """Which lines."""

    outcome: Outcome | None = None


class ColumnRead(BaseModel):
    """A column that a kind knows; headers go by `name` or by `title` in either language."""

    name: str
    title: Spoken
    help: Spoken
    required: bool


class KindRead(BaseModel):
    """A kind of import."""

    name: str
    title: Spoken
    columns: list[ColumnRead]


class KindsRead(BaseModel):
    """The kinds that one may import."""

    items: list[KindRead]

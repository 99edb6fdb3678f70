"""What the API of this room takes and answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, RootModel, model_validator

from core.http.fields import Body, Instant, PageQuery
from policies.app_register import PermittedApp
from policies.language.kinds import AnyDocument

KindName = Literal["Policy", "KeywordSet", "Calendar", "Group", "Assignment"]


class OneDocument(RootModel[AnyDocument]):
    """A document; a YAML text holds any number of them, separated by `---`."""


class Documents(RootModel[AnyDocument | list[AnyDocument]]):
    """A document, or several."""


class PlanQuery(BaseModel):
    """`prune` also deletes what `managed_by` keeps and is not among the documents."""

    prune: bool = False
    managed_by: Literal["files", "api"] = "api"


class ApplyQuery(PlanQuery):
    """`publish` publishes the drafts too.

    `managed_by=files` marks the documents as kept in files; those are changed from elsewhere only with `take_over`
    and a reason.
    """

    publish: bool = False
    take_over: bool = False
    reason: Annotated[str, Field(max_length=500)] = ""


class DeleteQuery(BaseModel):
    """Why a document is deleted; one that is kept in files only with `take_over`."""

    take_over: bool = False
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class DocumentPath(BaseModel):
    """One document."""

    kind: KindName
    name: Annotated[str, Field(max_length=63)]


class DocumentsQuery(PageQuery):
    """A page of documents, of one kind if it is given."""

    kind: KindName | None = None


class TryBody(Body):
    """A message, those before it, and a stored `set` or a `document` (YAML) that is being written."""

    text: Annotated[str, Field(max_length=20_000)]
    before: list[Annotated[str, Field(max_length=20_000)]] = Field(default_factory=list, max_length=2)
    set: Annotated[str, Field(max_length=63)] | None = None
    document: Annotated[str, Field(max_length=1_048_576)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.set is None) == (self.document is None):
            raise ValueError("give set or document, one of both")
        return self


class FoundRead(BaseModel):
    """A term that was found, from where to where (below 0: in an earlier message), and through which evasions."""

    id: str
    term: str
    start: int
    end: int
    piece: str
    through: list[str]


class TryRead(BaseModel):
    """What was found, by place."""

    hits: list[FoundRead]


class AppsQuery(BaseModel):
    """`due`: those alone whose review is due."""

    due: bool = False


class AppsRead(BaseModel):
    """The register."""

    items: list[PermittedApp]


class PreviewBody(Body):
    """A query of a group."""

    query: Annotated[str, Field(min_length=1, max_length=1000)]


class PhoneFound(BaseModel):
    """A phone that a query finds."""

    id: str
    serial: str
    manufacturer: str
    model: str
    os: str
    os_version: str
    agent_version: str
    org_unit: str


class PreviewRead(BaseModel):
    """How many phones of one's part of the tree a query finds, and the first of them by serial."""

    count: int
    sample: list[PhoneFound]


class BlobPath(BaseModel):
    """A blob by the hex SHA-256 of its bytes."""

    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ExplainQuery(BaseModel):
    """A past minute, RFC 3339; now unless given."""

    at: Instant | None = None


class FieldChangeRead(BaseModel):
    """One member that changes."""

    path: str
    old: Any = None
    new: Any = None


class ChangeRead(BaseModel):
    """One document that changes."""

    kind: str
    name: str
    action: Literal["create", "change", "delete", "none"]
    fields: list[FieldChangeRead]


class MovedRead(BaseModel):
    """A place at which rules ask for less, or for more, and on how many phones."""

    path: str
    devices: int


class VersionRef(BaseModel):
    """A version."""

    kind: str
    name: str
    version: int


class ChangesRead(BaseModel):
    """What a request changes."""

    changes: list[ChangeRead]
    devices: int
    looser: list[MovedRead]
    tighter: list[MovedRead]
    published: list[VersionRef]
    rollout: str | None
    waits: Annotated[bool, Field(description="Whether applying it waits for a second person.")]


class PublicationRead(BaseModel):
    """What publishing did; no rollout where the content was in force already."""

    published: VersionRef
    rollout: str | None
    devices: int
    looser: list[MovedRead]
    tighter: list[MovedRead]

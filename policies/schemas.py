"""What the API of this room takes and answers."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, RootModel, model_validator

from core.http.fields import Body, Instant, PageQuery
from core.limits import MAX_NAME
from policies.app_register import PermittedApp
from policies.drafts import Change
from policies.keyword_try import Found
from policies.language.kinds import AnyDocument
from policies.publish import Published
from policies.review import Moved

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
    name: Annotated[str, Field(max_length=MAX_NAME)]


class DocumentsQuery(PageQuery):
    """A page of documents, of one kind if it is given."""

    kind: KindName | None = None


class TryBody(Body):
    """A message, those before it, and a stored `set` or a `document` (YAML) that is being written."""

    text: Annotated[str, Field(max_length=20_000)]
    before: list[Annotated[str, Field(max_length=20_000)]] = Field(default_factory=list, max_length=2)
    set: Annotated[str, Field(max_length=MAX_NAME)] | None = None
    document: Annotated[str, Field(max_length=1_048_576)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.set is None) == (self.document is None):
            raise ValueError("give set or document, one of both")
        return self


class TryRead(BaseModel):
    """What was found, by place."""

    hits: list[Found]


class AppsQuery(BaseModel):
    """`due`: those alone whose review is due."""

    due: bool = False


class AppsRead(BaseModel):
    """The register."""

    items: list[PermittedApp]


class PreviewBody(Body):
    """A query of a group."""

    query: Annotated[str, Field(min_length=1, max_length=1000)]


class BlobPath(BaseModel):
    """A blob by the hex SHA-256 of its bytes."""

    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ExplainQuery(BaseModel):
    """A past minute, RFC 3339; now unless given."""

    at: Instant | None = None


class ChangesRead(BaseModel):
    """What a request changes."""

    changes: list[Change]
    devices: int
    looser: list[Moved]
    tighter: list[Moved]
    published: list[Published]
    rollout: str | None
    waits: Annotated[bool, Field(description="Whether applying it waits for a second person.")]


class PublicationRead(BaseModel):
    """What publishing did; no rollout where the content was in force already."""

    published: Published
    rollout: str | None
    devices: int
    looser: list[Moved]
    tighter: list[Moved]

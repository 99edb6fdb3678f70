"""Documents, publishing and explanations over HTTP, for people."""

from __future__ import annotations

from flask import Response, current_app, request

from core.errors import BadInput
from core.http.access import Content
from core.http.answers import PageOut, page_reply, reply
from core.http.fields import IdPath, PageQuery
from core.http.identity import current_actor
from core.http.routes import JSON, Api
from core.permissions import Permission
from core.text import Text
from identity.approval_views import ApprovalView
from policies import app_register, apply, documents, explain, group_preview, keyword_try, publish
from policies.group_preview import Preview
from policies.language.parse import Format
from policies.publish import Staging
from policies.rollout_schemas import PublishBody
from policies.schemas import (
    ApplyQuery,
    AppsQuery,
    AppsRead,
    ChangesRead,
    DeleteQuery,
    DocumentPath,
    Documents,
    DocumentsQuery,
    ExplainQuery,
    OneDocument,
    PlanQuery,
    PreviewBody,
    PublicationRead,
    TryBody,
    TryRead,
)
from policies.views import DocumentView, Explanation, VersionView

api = Api("policies", __name__)
YAML = "application/yaml"
FORMATS: dict[str, Format] = {
    JSON: "json",
    YAML: "yaml",
    "application/x-yaml": "yaml",
    "text/yaml": "yaml",
}
DOCUMENTS: Content = {name: Documents if form == "json" else OneDocument for name, form in FORMATS.items()}


@api.post(
    "/documents/plan",
    Permission.DOCUMENT_READ,
    {200: ChangesRead},
    takes=DOCUMENTS,
    problems=(409,),
    reads_first=True,
)
def plan_documents(query: PlanQuery) -> Response:
    """What applying and publishing documents (YAML or JSON) would change; nothing is changed."""
    outcome = apply.plan(current_actor(), request.get_data(), _format(), prune=query.prune, managed_by=query.managed_by)
    return reply(outcome.plain())


@api.post(
    "/documents/apply",
    Permission.DOCUMENT_WRITE,
    {200: ChangesRead, 202: ApprovalView},
    takes=DOCUMENTS,
    problems=(409,),
    reads_first=True,
)
def apply_documents(query: ApplyQuery) -> Response:
    """Store documents (YAML or JSON) in one transaction, and publish them if asked; what loosens waits (202)."""
    outcome = apply.apply(
        current_actor(),
        request.get_data(),
        _format(),
        publishing=query.publish,
        prune=query.prune,
        reason=query.reason,
        managed_by=query.managed_by,
        take_over=query.take_over,
    )
    return reply(outcome.plain())


@api.get("/documents", Permission.DOCUMENT_READ, {200: PageOut[DocumentView]})
def list_documents(query: DocumentsQuery) -> Response:
    """Documents by kind and name."""
    page = documents.find(current_actor(), query.kind, query.cursor, query.limit)
    return page_reply(page)


@api.get("/documents/export", Permission.DOCUMENT_READ, {200: {YAML: {"type": "string"}}})
def export_documents() -> Response:
    """All documents as one YAML text."""
    return current_app.response_class(documents.export(current_actor()), mimetype=YAML)


@api.get("/documents/<kind>/<name>", Permission.DOCUMENT_READ, {200: DocumentView})
def get_document(path: DocumentPath) -> Response:
    """One document; `document.metadata.revision` goes back with the next edit."""
    return reply(documents.get(current_actor(), path.kind, path.name))


@api.delete(
    "/documents/<kind>/<name>", Permission.DOCUMENT_WRITE, {200: ChangesRead, 202: ApprovalView}, problems=(409,)
)
def delete_document(path: DocumentPath, query: DeleteQuery) -> Response:
    """Delete one document that no other one names; its versions stay; what loosens waits (202)."""
    done = apply.delete(current_actor(), path.kind, path.name, reason=query.reason, take_over=query.take_over)
    return reply(done.plain())


@api.get("/documents/<kind>/<name>/versions", Permission.DOCUMENT_READ, {200: PageOut[VersionView]})
def list_versions(path: DocumentPath, query: PageQuery) -> Response:
    """Published versions of a document, newest first."""
    page = documents.versions(current_actor(), path.kind, path.name, query.cursor, query.limit)
    return page_reply(page)


@api.post(
    "/documents/<kind>/<name>/publish",
    Permission.DOCUMENT_PUBLISH,
    {200: PublicationRead, 202: ApprovalView},
    problems=(409,),
)
def publish_document(path: DocumentPath, body: PublishBody) -> Response:
    """Publish a draft or older content, by rings or to everyone at once; what loosens waits (202)."""
    rings = [ring.model_dump(exclude_none=True) for ring in body.rings]
    done = publish.publish(
        current_actor(),
        path.kind,
        path.name,
        version=body.version,
        reason=body.reason,
        take_over=body.take_over,
        staging=Staging(rings, body.draft, body.emergency),
    )
    return reply(
        {
            "published": done.published.plain(),
            "rollout": done.rollout,
            **done.review.plain(),
        }
    )


@api.post("/keyword-sets/try", Permission.DOCUMENT_READ, {200: TryRead}, reads_first=True)
def try_keywords(body: TryBody) -> Response:
    """What a keyword set finds in a message, where, and through which evasions."""
    actor = current_actor()
    if body.set is not None:
        hits = keyword_try.try_stored(actor, body.set, body.text, body.before)
    else:
        hits = keyword_try.try_document(actor, body.document or "", body.text, body.before)
    return reply(TryRead(hits=hits))


@api.get("/apps", Permission.DOCUMENT_READ, {200: AppsRead})
def list_apps(query: AppsQuery) -> Response:
    """The register of permitted apps of all published policies."""
    return reply(AppsRead(items=app_register.find(current_actor(), due=query.due)))


@api.post("/groups/preview", Permission.DOCUMENT_READ, {200: Preview}, reads_first=True)
def preview_group(body: PreviewBody) -> Response:
    """Which phones a group's query finds now; nothing is saved."""
    return reply(group_preview.preview(current_actor(), body.query))


@api.get("/devices/<id>/explain", Permission.DOCUMENT_READ, {200: Explanation})
def explain_device(path: IdPath, query: ExplainQuery) -> Response:
    """For each effective value of a phone its policy, version and assignment, now or at a past minute."""
    return reply(explain.explain(current_actor(), path.id, query.at))


def _format() -> Format:
    form = FORMATS.get(request.mimetype)
    if form is None:
        raise BadInput(
            "documents_type",
            Text(
                "请以 Content-Type: application/yaml 或 application/json 发送文档。",
                "Send documents with Content-Type: application/yaml or application/json.",
            ),
        )
    return form

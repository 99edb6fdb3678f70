"""Lists of keywords into a set over HTTP."""

from __future__ import annotations

from flask import Response

from core.http.answers import reply
from core.http.identity import current_actor
from core.http.problems import language
from core.http.routes import Api
from core.permissions import Permission
from imports import keyword_terms, uploads
from imports.keyword_schemas import HintRead, SetPath, TermsForm, TermsRead
from imports.keyword_terms import TermList
from policies import draft_import, keyword_import
from policies.keyword_import import Foreseen

SHOWN = 200

api = Api("keyword_lists", __name__)


@api.post("/keyword-sets/<name>/import", Permission.DOCUMENT_WRITE, {200: TermsRead}, problems=(409,), reads_first=True)
def import_terms(path: SetPath, form: TermsForm) -> Response:
    """Preview a list of terms, or store it into the draft of a set."""
    actor = current_actor()
    read = keyword_terms.read(uploads.content_of(form.file.stream))
    foreseen = keyword_import.foresee(actor, path.name, read.given, read.faults, mode=form.mode)
    revision = foreseen.revision
    if form.save:
        revision = draft_import.save(
            actor, foreseen, revision=form.revision, reason=form.reason, take_over=form.take_over
        )
    return reply(_answer(read, foreseen, revision, saved=form.save))


def _answer(read: TermList, foreseen: Foreseen, revision: int | None, *, saved: bool) -> TermsRead:
    spoken = language()
    return TermsRead(
        form=read.form,
        encoding=read.encoding,
        saved=saved,
        revision=revision,
        terms=foreseen.terms,
        added=foreseen.added,
        changed=foreseen.changed,
        unchanged=foreseen.unchanged,
        removed=foreseen.removed,
        faulty=len(foreseen.faults),
        faults=foreseen.faults[:SHOWN],
        repeats=len(foreseen.repeated),
        repeated=foreseen.repeated[:SHOWN],
        odd=len(foreseen.hints),
        hints=[
            HintRead(code=hint.code, term=hint.term, other=hint.other, text=hint.text.pick(spoken))
            for hint in foreseen.hints[:SHOWN]
        ],
    )

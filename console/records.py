"""One record of a phone with its text; whoever opens it stands in the audit log."""

from __future__ import annotations

import json
from typing import Any

from flask import render_template

from archive import records_read
from console import labels
from console.policy_form.values import COMMON
from core.errors import NotFound
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.text import Text

LONGEST_NUMBER = 9

pages = Pages("records", __name__)


@pages.get("/devices/<id>/records/<branch>/<seq>", Permission.ARCHIVE_READ, writes=True)
def show(id: str, branch: str, seq: str) -> str:
    """The record and what was said in it."""
    record = records_read.one(current_actor(), id, _number(branch), _number(seq))
    said = _said(record.text)
    return render_template("record.html", record=record, said=said, words=COMMON, labels=labels, device_id=id)


def _number(text: str) -> int:
    if not text.isdecimal() or not text.isascii() or len(text) > LONGEST_NUMBER:
        raise NotFound("no_such_record", Text("没有这条记录。", "There is no such record."))
    return int(text)


def _said(text: str | None) -> dict[str, Any]:
    """The members of the record's JSON; nothing where it is erased or none."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

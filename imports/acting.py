"""For whom the worker acts, and how an import fails."""

from __future__ import annotations

from sqlalchemy import delete

from core import audit, clock, live
from core.actor import Actor, system_actor
from core.db import session
from core.errors import Forbidden
from core.ids import is_uuid
from core.text import Text
from identity import authentication
from imports.models import Import, ImportFile
from imports.registry import Kind
from imports.states import FAILED, WORKING
from imports.uploads import TOPIC

ACTOR = system_actor("imports")


def actor(who: str, kind: Kind) -> Actor:
    """The person or command line behind an import, with the rights of this moment. Raises Forbidden."""
    found = authentication.acting(who) if is_uuid(who) else system_actor(who)
    if found is None or not found.may(kind.permission):
        raise Forbidden(
            "importer_lost_rights",
            Text(
                "导入人已停用或失去权限，导入已停止。请由有权限的人员重新导入。",
                "Whoever imports has left or lost the permission, so it stopped. Somebody who may imports it anew.",
            ),
        )
    return found


def fail(import_id: str, code: str, text: Text) -> None:
    """End an import that cannot go on; batches that were applied stay applied."""
    row = session().get_one(Import, import_id, with_for_update=True)
    if row.state not in WORKING:
        return
    row.state, row.finished_at = FAILED, clock.now()
    row.failure = {"code": code, "zh": text.zh, "en": text.en}
    session().execute(delete(ImportFile).where(ImportFile.import_id == import_id))
    audit.record(ACTOR, "import.fail", ("import", import_id), {"code": code, "applied": row.applied})
    live.announce(TOPIC, [import_id])

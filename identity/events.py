"""What this room tells higher rooms.

A receiver runs inside the sender's unit of work and writes rows and outbox rows only.

- `units_changed(unit_paths=[…])`: units were renamed or moved; id paths of the changed subtrees as they are now.
- `people_changed(person_ids=[…], actor=…)`: `actor` changed name, unit, roles or state of these people.
- `approval_decided(approval_id=…, kind=…, state=…, targets=[…])`: decided; `approved` or `denied`.
- `approvals_lapsed(approval_ids=[…])`: nobody decided in time.
"""

from __future__ import annotations

from blinker import Namespace

_events = Namespace()

units_changed = _events.signal("units-changed")
people_changed = _events.signal("people-changed")
approval_decided = _events.signal("approval-decided")
approvals_lapsed = _events.signal("approvals-lapsed")

"""What this room tells higher rooms. Each signal carries a whole batch and is sent inside the sender's unit of work;
a receiver writes rows and outbox rows, nothing else. The sender argument is always None.

- `desired_changed(device_ids: list[str])`: phones whose effective policy is another one now.
- `reports_taken(device_ids: list[str])`: phones whose newest report says something else than the one before.
"""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()

desired_changed = _signals.signal("desired-changed")
reports_taken = _signals.signal("reports-taken")

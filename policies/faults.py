"""Lines of a file that cannot be taken."""

from __future__ import annotations

from dataclasses import dataclass

from core.views import Spoken


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that cannot be taken, and what to do about it; it is left out."""

    line: int
    code: str
    text: Spoken

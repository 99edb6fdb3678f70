"""The one rule engine: `decide(bundle, situation)` gives a verdict, on the phone and on the server alike.

Pure: the standard library and pydantic, no clock, no database, no network. What it needs to know stands in
the bundle (rules, keyword sets, calendars) and in the situation (the minute, the counters, what is about to
happen).
"""

from __future__ import annotations

from policies.engine.actions import ACTIONS, Action, refuses, strictest
from policies.engine.bundle import Bundle, Reading, read_rules
from policies.engine.counters import Counter, counters_for
from policies.engine.decide import decide
from policies.engine.documents import KeywordSet, Term, WorkCalendar
from policies.engine.matching import find_hits
from policies.engine.schemas import BlobReference, BundleDocument, schemas
from policies.engine.situation import (
    AppLaunch,
    Call,
    LocationRequest,
    Message,
    Payment,
    Posture,
    ProtectedAct,
    Situation,
)
from policies.engine.verdict import Because, CounterUse, Verdict

__all__ = [
    "ACTIONS",
    "Action",
    "AppLaunch",
    "Because",
    "BlobReference",
    "Bundle",
    "BundleDocument",
    "Call",
    "Counter",
    "CounterUse",
    "KeywordSet",
    "LocationRequest",
    "Message",
    "Payment",
    "Posture",
    "ProtectedAct",
    "Reading",
    "Situation",
    "Term",
    "Verdict",
    "WorkCalendar",
    "counters_for",
    "decide",
    "find_hits",
    "read_rules",
    "refuses",
    "schemas",
    "strictest",
]

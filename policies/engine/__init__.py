"""The one rule engine: `decide(bundle, situation)` gives a verdict, on the phone and on the server alike.

Pure: the standard library and pydantic, no clock, no database, no network. What it needs to know stands in
the bundle (rules, keyword sets, calendars) and in the situation (the minute, the counters, what is about to
happen).
"""

from __future__ import annotations

from policies.engine.actions import ACTIONS, Action, refuses, strictest
from policies.engine.bundle import Bundle, Reading, read_rules
from policies.engine.counters import Counter, counters_for, counts_of_call, talk_seconds
from policies.engine.decide import decide
from policies.engine.documents import FoldTable, KeywordSet, Term, WorkCalendar
from policies.engine.folding import Folder
from policies.engine.scanning import Hit, Scanner
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
    "FoldTable",
    "Folder",
    "Hit",
    "KeywordSet",
    "LocationRequest",
    "Message",
    "Payment",
    "Posture",
    "ProtectedAct",
    "Reading",
    "Scanner",
    "Situation",
    "Term",
    "Verdict",
    "WorkCalendar",
    "counters_for",
    "counts_of_call",
    "decide",
    "read_rules",
    "refuses",
    "schemas",
    "strictest",
    "talk_seconds",
]

"""What is shown of shadow rules: one model each for services, pages and the API."""

from __future__ import annotations

from datetime import date

from core.views import Moment, View


class ShadowRuleView(View):
    """A rule that was in the shadow: on how many messages of how many phones it would have acted, and how."""

    policy: str
    policy_version: int
    keyword_set: str
    set_version: int
    action: str
    messages: int
    phones: int


class ShadowSumView(View):
    """All rules of a policy about one keyword set, whatever their version and action."""

    keyword_set: str
    messages: int
    phones: int


class ShadowGlanceView(View):
    """What the shadow rules of a document would have done, in two figures."""

    in_shadow: bool
    days: int
    messages: int
    phones: int


class ShadowDayView(View):
    """One day of the organisation's zone."""

    day: date
    messages: int
    phones: int


class ShadowTermView(View):
    """A term that was found; `term` is its text in the set as it stands, None when it is gone from there."""

    keyword_set: str
    id: str
    term: str | None
    messages: int


class ShadowView(View):
    """What the shadow rules of a document would have done in the last days; phones of the reader's part of the tree.

    `messages` counts a message once for each rule that would have acted on it. `in_shadow` tells whether a rule of the
    document (or one that names the set) is in the shadow now.
    """

    kind: str
    name: str
    days: int
    in_shadow: bool
    messages: int
    phones: int
    by_day: list[ShadowDayView]
    rules: list[ShadowRuleView]
    terms: list[ShadowTermView]


class ShadowMessageView(View):
    """A message on which a shadow rule would have acted: where its record stands. The text is read there, audited."""

    policy: str
    policy_version: int
    keyword_set: str
    set_version: int
    action: str
    terms: list[str]
    device_id: str
    branch: int
    seq: int
    received_at: Moment

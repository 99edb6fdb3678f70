"""When and how often somebody may be contacted: quiet hours, counted limits, relations, unknown numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from core.text import Text
from policies.engine.actions import rank
from policies.engine.vocabulary import Counted, CounterKey, Relation
from policies.rules.algebra import Constraints, Each, Members, Value, least
from policies.rules.forms import DAY, DEFAULT_ZONE, Duration, Name, Spec, Window, Zone, actions, fault
from policies.rules.registry import Family, register

LimitAction = Literal["alert", "warn", "delay", "approval", "block"]
RelationAction = Literal["allow", "alert", "warn", "lost_contact_only", "approval", "block"]
_FAMILY = "contact_limits"
_DAY = DAY // 60


class Rule(Spec):
    """One limit: so many of what is counted in a window, or a gap between two attempts."""

    id: Name
    key: CounterKey
    count: Counted | None = None
    max: Annotated[int, Field(ge=0, le=100_000)] | None = None
    window: Literal["day"] | Duration | None = None
    min_gap: Duration | None = None
    action: LimitAction

    @model_validator(mode="after")
    def _one_shape(self) -> Self:
        counted = (self.count, self.max, self.window)
        complete = all(part is not None for part in counted)
        if complete == (self.min_gap is not None) or (self.min_gap is not None and any(p is not None for p in counted)):
            raise fault(
                "limit_shape",
                "每条限制要么写 count、max、window，要么只写 min_gap。",
                "A limit has count, max and window, or min_gap alone.",
            )
        return self


class ContactLimits(Spec):
    """The member `contact_limits` of a policy."""

    timezone: Zone = DEFAULT_ZONE
    quiet_hours: Annotated[list[Window], Field(max_length=20)] | None = None
    rules: Annotated[list[Rule], Field(max_length=200)] | None = None
    effective_talk_seconds: Annotated[int, Field(ge=0, le=3600)] | None = None
    relations: dict[Relation, RelationAction] | None = None
    unknown_number: Literal["allow", "alert", "warn", "approval", "block"] | None = None

    @model_validator(mode="after")
    def _ids_once(self) -> Self:
        ids = [rule.id for rule in self.rules or ()]
        if len(ids) != len(set(ids)):
            raise fault("rule_id_twice", "同一策略中规则 id 不能重复。", "An id names one rule of a policy only.")
        return self


def _compile(spec: ContactLimits, policy: str) -> Value:
    fragment = {k: v for k, v in spec.plain().items() if k not in ("timezone", "quiet_hours", "rules")}
    if spec.quiet_hours:
        windows = sorted({tuple(window) for window in spec.quiet_hours})
        quiet = {
            "id": f"{policy}/quiet_hours",
            "timezone": spec.timezone,
            "windows": [list(w) for w in windows],
        }
        fragment["quiet_hours"] = [quiet]
    if spec.rules:
        fragment["rules"] = _RULES.join([], [_rule(rule, spec.timezone, policy) for rule in spec.rules])
    return fragment


def _rule(rule: Rule, zone: str, policy: str) -> dict[str, Value]:
    plain = {**rule.plain(), "id": f"{policy}/{rule.id}"}
    # A calendar day begins at somebody's midnight; a span of seconds needs no zone.
    return {**plain, "timezone": zone} if rule.window == "day" else plain


def _covers(old: Mapping[str, Value], new: Mapping[str, Value]) -> bool:
    shape = ("key", "count", "window", "timezone")
    if any(old.get(part) != new.get(part) for part in shape) or rank(new["action"]) < rank(old["action"]):
        return False
    if "min_gap" in old:
        return bool(new["min_gap"] >= old["min_gap"])
    return bool(new["max"] <= old["max"])


def _quieter(old: Mapping[str, Value], new: Mapping[str, Value]) -> bool:
    """Whether no minute of the day that was quiet is loud now; every day is alike, so midnight parts nothing."""
    return old["timezone"] == new["timezone"] and _minutes(old["windows"]) <= _minutes(new["windows"])


def _minutes(windows: list[list[int]]) -> set[int]:
    return {m % _DAY for start, end in windows for m in range(start // 60, _until(start, end) // 60)}


def _until(start: int, end: int) -> int:
    return end if end > start else end + DAY


_RULES = Constraints(_covers)

FAMILY = register(
    Family(
        name=_FAMILY,
        title=Text("联系频次", "Contact limits"),
        spec=ContactLimits,
        compile=_compile,
        operator=Members(
            {
                "quiet_hours": Constraints(_quieter),
                "rules": _RULES,
                "effective_talk_seconds": least(),
                "relations": Each(actions()),
                "unknown_number": actions(),
            }
        ),
    )
)

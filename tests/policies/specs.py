"""Specs of every family as authors could write them, made by hypothesis."""

from __future__ import annotations

from typing import Any, get_args

from hypothesis import strategies as st

from policies.engine import vocabulary as words

NAMES = st.sampled_from(["alpha", "beta", "gamma", "abuse", "fees"])
ZONES = st.sampled_from(["Asia/Shanghai", "Asia/Tokyo", "UTC"])


def some(literal: Any, least: int = 0) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(get_args(literal)), min_size=least, max_size=6)


def members(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=optional)


def one_of(*choices: str) -> st.SearchStrategy[str]:
    return st.sampled_from(choices)


CLOCKS = st.integers(0, 23 * 60 + 59).map(lambda m: f"{m // 60:02d}:{m % 60:02d}")
WINDOWS = st.tuples(CLOCKS, CLOCKS).filter(lambda pair: pair[0] != pair[1]).map("-".join)
DURATIONS = st.tuples(st.integers(0, 400), one_of("s", "m", "h", "d")).map(lambda pair: f"{pair[0]}{pair[1]}")
WHOLE = st.integers(1, 3000)
DAY_KEYS = one_of("mon", "tue", "mon-fri", "sat", "fri-mon", "wed,sun")
MASKS = st.one_of(st.just("alias"), st.tuples(st.integers(0, 9), st.integers(0, 9)).map(lambda p: f"{p[0]}+{p[1]}"))
SAYINGS = st.sampled_from([{"zh-CN": "请注意", "en": "Mind"}, {"zh-CN": "请停止", "en": "Stop"}])
CHANNELS = st.dictionaries(st.sampled_from(get_args(words.HiddenChannel)), MASKS, max_size=3)

KEYWORD_RULE = st.fixed_dictionaries(
    {"set": NAMES, "action": one_of("alert", "warn", "block")},
    optional={
        "severity": st.sampled_from(get_args(words.Severity)),
        "direction": one_of("in", "out", "both"),
        "mode": one_of("enforced", "shadow"),
        "say": SAYINGS,
    },
)
COUNTED_RULE = st.fixed_dictionaries(
    {
        "key": st.sampled_from(get_args(words.CounterKey)),
        "count": st.sampled_from(get_args(words.Counted)),
        "max": st.integers(0, 20),
        "window": st.one_of(st.just("day"), DURATIONS.filter(lambda text: not text.startswith("0"))),
        "action": one_of("alert", "warn", "delay", "approval", "block"),
    }
)
GAP_RULE = st.fixed_dictionaries(
    {"key": st.sampled_from(get_args(words.CounterKey)), "min_gap": DURATIONS, "action": one_of("warn", "block")}
)
LIMIT_RULES = st.dictionaries(NAMES, st.one_of(COUNTED_RULE, GAP_RULE), max_size=4).map(
    lambda rules: [{"id": name, **rule} for name, rule in rules.items()]
)
PACKAGES = st.dictionaries(
    one_of("com.tencent.mm", "com.tencent.mobileqq", "com.example.crm"),
    members(filing=one_of("A1", "B2"), reviewed=one_of("2026-11-01", "2026-10-01"), version=one_of("1.0", "2.0")),
    max_size=3,
).map(lambda listed: [{"name": name, **details} for name, details in listed.items()])
ACTION = one_of("allow", "alert", "warn", "approval", "block")

SPECS: dict[str, st.SearchStrategy[Any]] = {
    "numbers": members(
        hide=some(words.HiddenChannel),
        mask=CHANNELS,
        dial=one_of("allow", "warn", "approval", "block"),
        incoming=one_of("show", "hide"),
        delivery=one_of("book", "ticket"),
        reveal=one_of("approval", "never"),
    ),
    "protection": members(deny=some(words.ProtectedAction)),
    "keywords": st.lists(KEYWORD_RULE, max_size=5),
    "work_hours": st.fixed_dictionaries(
        {"weekly": st.dictionaries(DAY_KEYS, st.lists(WINDOWS, max_size=3), min_size=1, max_size=3)},
        optional={
            "timezone": ZONES,
            "calendar": NAMES,
            "outside": members(
                call_out=ACTION,
                message_out=ACTION,
                call_in=ACTION,
                location=one_of("allow", "off"),
                apps=one_of("allow", "lock"),
            ),
        },
    ),
    "contact_limits": members(
        timezone=ZONES,
        quiet_hours=st.lists(WINDOWS, max_size=3),
        rules=LIMIT_RULES,
        effective_talk_seconds=st.integers(0, 60),
        relations=st.dictionaries(
            st.sampled_from(get_args(words.Relation)), one_of("allow", "warn", "lost_contact_only", "block"), max_size=4
        ),
        unknown_number=ACTION,
    ),
    "payments": members(red_packet=ACTION, transfer=ACTION, collection_code=ACTION),
    "apps": st.fixed_dictionaries({"mode": one_of("allow", "deny"), "packages": PACKAGES}),
    "device": members(
        heartbeat_seconds=st.integers(10, 3600),
        minimum_os=st.dictionaries(
            one_of("android", "harmonyos"), one_of("13", "13.0", "9", "14.0.1", "4"), max_size=2
        ),
        maximum_patch_age_days=WHOLE,
        require=some(words.Required),
        forbid=some(words.Forbidden),
        restrictions=some(words.Restriction),
        maximum_offline_hours=WHOLE,
    ),
    "archive": members(
        channels=some(words.ArchivedChannel),
        media=members(kinds=some(words.MediaKind), wifi_only=st.booleans(), maximum_mb=WHOLE),
        recording=one_of("off", "optional", "required"),
        retention_days=WHOLE,
    ),
    "location": st.fixed_dictionaries(
        {"mode": one_of("hours", "off")}, optional={"every_minutes": st.integers(1, 1440)}
    ),
    "compliance": st.lists(
        st.fixed_dictionaries(
            {
                "when": st.one_of(st.just("any"), some(words.FindingCode, 1)),
                "after": DURATIONS,
                "do": st.sampled_from(get_args(words.Step)),
            }
        ),
        max_size=5,
    ),
}

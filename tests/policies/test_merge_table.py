"""The merge table, row by row, with values that show which side wins."""

from __future__ import annotations

from typing import Any

import pytest

from policies.rules import PolicySpec
from policies.rules.merging import compile_spec, loosened, merge, origins, rules_of


def both(family: str, *specs: Any) -> Any:
    named = zip(specs, ("one", "two", "three"), strict=False)
    policies = [compile_spec(PolicySpec.model_validate({family: spec}), name) for spec, name in named]
    return rules_of(merge(policies)).get(family)


def looser(family: str, old: Any, new: Any) -> set[str]:
    specs = [PolicySpec.model_validate({family: spec} if spec is not None else {}) for spec in (old, new)]
    before, after = (compile_spec(spec, "one") for spec in specs)
    return {".".join(path) for path in loosened(before, after)}


@pytest.mark.parametrize(
    ("family", "one", "two", "merged"),
    [
        (
            "protection",
            {"deny": ["screenshot"]},
            {"deny": ["delete_message"]},
            {"deny": ["delete_message", "screenshot"]},
        ),
        ("numbers", {"hide": ["qq"]}, {"hide": ["phone", "qq"]}, {"hide": ["phone", "qq"]}),
        ("numbers", {"mask": {"phone": "3+4"}}, {"mask": {"phone": "2+6"}}, {"mask": {"phone": "2+4"}}),
        ("numbers", {"mask": {"qq": "0+0"}}, {"mask": {"qq": "alias"}}, {"mask": {"qq": "alias"}}),
        ("numbers", {"delivery": "book"}, {"delivery": "ticket"}, {"delivery": "ticket"}),
        ("numbers", {"reveal": "never"}, {"reveal": "approval"}, {"reveal": "never"}),
        ("numbers", {"incoming": "show"}, {"incoming": "hide"}, {"incoming": "hide"}),
        ("payments", {"transfer": "warn"}, {"transfer": "block"}, {"transfer": "block"}),
        ("payments", {"transfer": "approval"}, {"transfer": "warn"}, {"transfer": "approval"}),
        ("location", {"mode": "hours"}, {"mode": "off"}, {"mode": "off"}),
        ("device", {"heartbeat_seconds": 60}, {"heartbeat_seconds": 30}, {"heartbeat_seconds": 30}),
        ("device", {"maximum_offline_hours": 72}, {"maximum_offline_hours": 24}, {"maximum_offline_hours": 24}),
        (
            "device",
            {"minimum_os": {"android": "9"}},
            {"minimum_os": {"android": "13"}},
            {"minimum_os": {"android": "13"}},
        ),
        ("archive", {"retention_days": 1825}, {"retention_days": 30}, {"retention_days": 1825}),
        ("archive", {"media": {"maximum_mb": 100}}, {"media": {"maximum_mb": 10}}, {"media": {"maximum_mb": 10}}),
        ("archive", {"channels": ["sms"]}, {"channels": ["call"]}, {"channels": ["call", "sms"]}),
    ],
)
def test_the_strictest_wins_member_by_member(family: str, one: Any, two: Any, merged: Any) -> None:
    assert both(family, one, two) == merged
    assert both(family, two, one) == merged


def test_a_member_that_one_policy_leaves_out_is_taken_from_the_other() -> None:
    assert both("payments", {"transfer": "warn"}, {"red_packet": "block"}) == {
        "transfer": "warn",
        "red_packet": "block",
    }


def test_allow_lists_intersect_and_deny_wins_over_allow() -> None:
    listed = [{"name": "com.a.a"}, {"name": "com.b.b"}, {"name": "com.c.c"}]
    allow, fewer = {"mode": "allow", "packages": listed}, {"mode": "allow", "packages": listed[:2]}
    deny = {"mode": "deny", "packages": [{"name": "com.a.a"}]}
    assert both("apps", allow, fewer, deny) == {"mode": "allow", "packages": [{"name": "com.b.b"}]}
    assert both("apps", deny) == {"mode": "deny", "packages": [{"name": "com.a.a"}]}


def test_two_allow_lists_without_a_common_app_allow_nothing() -> None:
    one, two = ({"mode": "allow", "packages": [{"name": name}]} for name in ("com.a.a", "com.b.b"))
    assert both("apps", one, two) == {"mode": "allow", "packages": []}


def test_work_hours_become_a_list_of_constraints_with_their_own_zones() -> None:
    one = {"timezone": "Asia/Shanghai", "weekly": {"mon": ["09:00-18:00"]}}
    two = {"timezone": "Asia/Tokyo", "weekly": {"mon": ["22:00-06:00"]}}
    merged = both("work_hours", one, two)
    assert [(rule["id"], rule["timezone"], rule["weekly"]["mon"]) for rule in merged] == [
        ("one/work_hours", "Asia/Shanghai", [[32400, 64800]]),
        ("two/work_hours", "Asia/Tokyo", [[79200, 21600]]),
    ]


def test_contact_rules_of_two_policies_stand_side_by_side_under_their_own_ids() -> None:
    rule = {"id": "talks", "key": "customer", "count": "effective_talk", "max": 3, "window": "day", "action": "block"}
    merged = both("contact_limits", {"rules": [rule]}, {"rules": [{**rule, "max": 2, "window": "7d"}]})
    assert [(r["id"], r["max"], r["window"]) for r in merged["rules"]] == [
        ("one/talks", 3, "day"),
        ("two/talks", 2, 604800),
    ]
    assert merged["rules"][0]["timezone"] == "Asia/Shanghai"
    assert "timezone" not in merged["rules"][1]


def test_keywords_take_the_severest_action_of_a_set_and_both_directions() -> None:
    one = [{"set": "abuse", "action": "warn", "severity": "critical", "direction": "out"}]
    two = [{"set": "abuse", "action": "block", "severity": "info", "direction": "in"}]
    assert both("keywords", one, two) == [
        {"set": "abuse", "action": "block", "severity": "critical", "direction": "both"}
    ]


def test_a_shadow_rule_is_not_shipped_and_does_not_sharpen_the_enforced_one() -> None:
    shadow = [{"set": "abuse", "action": "block", "mode": "shadow"}]
    enforced = [{"set": "abuse", "action": "warn", "direction": "out"}]
    assert both("keywords", shadow) is None
    assert both("keywords", shadow, enforced) == [
        {"set": "abuse", "action": "warn", "severity": "warning", "direction": "out"}
    ]


def test_what_ends_in_the_shadow_loosens_nothing() -> None:
    shadow = [{"set": "abuse", "action": "block", "mode": "shadow"}]
    enforced = [{"set": "abuse", "action": "warn"}]
    assert looser("keywords", shadow, enforced) == looser("keywords", shadow, None) == set()
    lost = {f"keywords.enforced.abuse.{name}" for name in ("action", "direction", "severity")}
    assert looser("keywords", enforced, shadow) == lost


def test_the_ladder_takes_the_earliest_time_of_each_step_and_finding() -> None:
    one = [{"when": ["root", "offline"], "after": "72h", "do": "lock"}, {"when": "any", "after": "24h", "do": "alert"}]
    two = [{"when": ["root"], "after": "1h", "do": "lock"}]
    assert both("compliance", one, two) == [
        {"when": ["root"], "after": 3600, "do": "lock"},
        {"when": "any", "after": 86400, "do": "alert"},
        {"when": ["offline"], "after": 259200, "do": "lock"},
    ]


@pytest.mark.parametrize(
    ("family", "old", "new", "paths"),
    [
        ("protection", {"deny": ["screenshot"]}, {"deny": []}, {"protection.deny.screenshot"}),
        ("protection", {"deny": []}, {"deny": ["screenshot"]}, set()),
        ("protection", {"deny": ["screenshot"]}, None, {"protection"}),
        ("payments", {"transfer": "block"}, {"transfer": "warn"}, {"payments.transfer"}),
        ("device", {"heartbeat_seconds": 60}, {"heartbeat_seconds": 90}, {"device.heartbeat_seconds"}),
        ("device", {"heartbeat_seconds": 60}, {"heartbeat_seconds": 30}, set()),
        ("archive", {"retention_days": 30}, {"retention_days": 10}, {"archive.retention_days"}),
        ("numbers", {"mask": {"phone": "3+4"}}, {"mask": {"phone": "3+5"}}, {"numbers.mask.phone"}),
        ("numbers", {"mask": {"phone": "3+4"}}, {"mask": {"phone": "alias"}}, set()),
        (
            "apps",
            {"mode": "allow", "packages": [{"name": "com.a.a"}]},
            {"mode": "allow", "packages": [{"name": "com.a.a"}, {"name": "com.b.b"}]},
            {"apps.allow.com.b.b"},
        ),
        (
            "apps",
            {"mode": "deny", "packages": [{"name": "com.a.a"}]},
            {"mode": "deny", "packages": []},
            {"apps.deny.com.a.a"},
        ),
        (
            "work_hours",
            {"weekly": {"mon": ["09:00-17:00"]}, "outside": {"call_out": "block"}},
            {"weekly": {"mon": ["09:00-18:00"]}, "outside": {"call_out": "block"}},
            {"work_hours.one/work_hours"},
        ),
        (
            "work_hours",
            {"weekly": {"mon": ["09:00-18:00"]}, "outside": {"call_out": "warn"}},
            {"weekly": {"mon": ["10:00-17:00"]}, "outside": {"call_out": "block"}},
            set(),
        ),
        (
            "keywords",
            [{"set": "abuse", "action": "block", "direction": "both"}],
            [{"set": "abuse", "action": "block", "direction": "out"}],
            {"keywords.enforced.abuse.direction"},
        ),
        (
            "compliance",
            [{"when": "any", "after": "1h", "do": "alert"}],
            [{"when": "any", "after": "2h", "do": "alert"}],
            {"compliance.any.alert"},
        ),
    ],
)
def test_what_becomes_looser_is_named_by_its_path(family: str, old: Any, new: Any, paths: set[str]) -> None:
    assert looser(family, old, new) == paths


def test_a_lower_limit_under_the_same_id_is_not_looser_and_a_higher_one_is() -> None:
    rule = {"id": "talks", "key": "customer", "count": "effective_talk", "max": 3, "window": "day", "action": "block"}
    assert looser("contact_limits", {"rules": [rule]}, {"rules": [{**rule, "max": 2}]}) == set()
    assert looser("contact_limits", {"rules": [rule]}, {"rules": [{**rule, "max": 4}]}) == {
        "contact_limits.rules.one/talks"
    }


def test_provenance_names_the_policy_of_each_value() -> None:
    one = compile_spec(PolicySpec.model_validate({"device": {"heartbeat_seconds": 60, "require": ["passcode"]}}), "one")
    two = compile_spec(
        PolicySpec.model_validate({"device": {"heartbeat_seconds": 30, "require": ["passcode", "encryption"]}}), "two"
    )
    found = {".".join(origin.path): origin.sources for origin in origins(merge([one, two]), [one, two])}
    assert found == {
        "device.heartbeat_seconds": (1,),
        "device.require.encryption": (1,),
        "device.require.passcode": (0, 1),
    }


@pytest.mark.parametrize(
    ("windows", "is_looser"),
    [
        (["21:00-08:00"], False),
        (["21:30-24:00", "00:00-08:30"], False),
        (["22:00-08:00", "12:00-13:00"], False),
        (["23:00-08:00"], True),
        (["22:00-24:00", "00:00-07:59"], True),
    ],
)
def test_quiet_hours_are_looser_only_where_a_quiet_minute_is_gone(windows: list[str], is_looser: bool) -> None:
    paths = looser("contact_limits", {"quiet_hours": ["22:00-08:00"]}, {"quiet_hours": windows})
    assert paths == ({"contact_limits.quiet_hours.one/quiet_hours"} if is_looser else set())

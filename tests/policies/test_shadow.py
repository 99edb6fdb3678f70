"""Shadow rules: judged on the server, shipped to no phone."""

from __future__ import annotations

from core.uow import unit_of_work
from policies import shadow
from policies.shadow import Said
from tests.fleet.phone import Phone
from tests.policies.office import Office, assignment, document, policy

SETS = document("KeywordSet", "fees", "{terms: [{term: 加急费, id: urgent}], match: [traditional, symbols]}")
TRIAL = "{keywords: [{set: fees, action: block, direction: out, mode: shadow}]}"


def judged(*messages: Said) -> list[tuple[int, str, int, str, list[str]]]:
    """Number, policy, version, action and terms of each verdict."""
    with unit_of_work(write=False):
        index = shadow.current()
        found = index.judge(messages) if index else []
    return [(one.number, one.trial.policy, one.trial.policy_version, one.action, one.terms) for one in found]


def out(phone: Phone, text: str, *before: str) -> Said:
    return Said(phone.id, text, "out", before)


def test_a_shadow_rule_is_judged_here_through_evasions_and_is_in_no_bundle(office: Office) -> None:
    tried, other = office.phone("/总部/电销"), office.phone("/总部/客服")
    office.apply(SETS + policy("trial", TRIAL) + assignment("sales", "trial", "{org_unit: /总部/电销}"))
    assert office.rules(tried) == {}
    assert judged(
        out(tried, "先交加*急費"),
        out(tried, "您好"),
        Said(tried.id, "加急费", "in"),
        out(other, "加急费"),
        out(tried, "急费", "加"),
    ) == [(0, "trial", 1, "block", ["urgent"]), (4, "trial", 1, "block", ["urgent"])]


def test_what_is_enforced_as_well_is_judged_apart_and_what_came_in_would_alert(office: Office) -> None:
    phone = office.phone("/总部/电销")
    office.apply(
        SETS
        + policy("trial", "{keywords: [{set: fees, action: block, mode: shadow}]}")
        + policy("mild", "{keywords: [{set: fees, action: warn}]}")
        + assignment("a", "trial", "{org_unit: /}")
        + assignment("b", "mild", "{org_unit: /}")
    )
    assert [rule["action"] for rule in office.rules(phone)["keywords"]] == ["warn"]
    assert judged(out(phone, "加急费"), Said(phone.id, "加急费", "in")) == [
        (0, "trial", 1, "block", ["urgent"]),
        (1, "trial", 1, "alert", ["urgent"]),
    ]


def test_another_version_is_swapped_in_and_one_out_of_the_shadow_is_gone(office: Office) -> None:
    phone = office.phone("/总部/电销")
    assert judged(out(phone, "加急费")) == []
    with unit_of_work(write=False):
        assert shadow.current() is None, "nothing is in the shadow: no text is looked at"
    office.apply(SETS + policy("trial", TRIAL) + assignment("a", "trial", "{org_unit: /}"))
    assert judged(out(phone, "包装费")) == []
    with unit_of_work(write=False):
        before = shadow.current()
    office.apply(policy("trial", TRIAL.replace("block", "warn")))
    with unit_of_work(write=False):
        after = shadow.current()
    assert before and after and after.words is before.words, "no word was compiled anew"
    office.apply(document("KeywordSet", "fees", "{terms: [{term: 包装费, id: wrapping}]}"))
    assert judged(out(phone, "包装费加急费")) == [(0, "trial", 2, "warn", ["wrapping"])]
    office.apply(policy("trial", TRIAL.replace("mode: shadow", "mode: enforced")))
    assert judged(out(phone, "包装费")) == []


def test_a_ring_of_a_rollout_is_judged_by_what_is_in_force_in_it(office: Office) -> None:
    first, second = office.phone("/总部/电销", groups=["pilot"]), office.phone("/总部/电销")
    office.apply(SETS + policy("trial", TRIAL) + assignment("a", "trial", "{org_unit: /}"))
    office.apply(policy("trial", "{device: {heartbeat_seconds: 60}}"), publish=False)
    rings = [{"name": "pilot", "group": "pilot"}, {"name": "all", "everyone": True, "approval": True}]
    made = office.company.post("/documents/Policy/trial/publish", {"rings": rings, "reason": "over"})
    assert made.status_code == 200, made.json
    assert judged(out(first, "加急费"), out(second, "加急费")) == [(1, "trial", 1, "block", ["urgent"])]

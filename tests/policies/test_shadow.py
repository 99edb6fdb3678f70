"""Shadow rules: judged on the server, shipped to no phone."""

from __future__ import annotations

from core.uow import unit_of_work
from policies import shadow
from tests.policies.office import Office, assignment, document, policy
from tests.policies.situations import message, reasons

SETS = document("KeywordSet", "fees", "{terms: [加急费], match: [traditional, symbols]}")
TRIAL = "{keywords: [{set: fees, action: block, direction: out, mode: shadow}]}"


def test_a_shadow_rule_is_judged_here_through_evasions_and_is_in_no_bundle(office: Office) -> None:
    tried, other = office.phone("/总部/电销"), office.phone("/总部/客服")
    office.apply(SETS + policy("trial", TRIAL) + assignment("sales", "trial", "{org_unit: /总部/电销}"))
    assert office.rules(tried) == {}
    with unit_of_work(write=False):
        said = shadow.judge(
            [
                (tried.id, message("先交加*急費")),
                (tried.id, message("您好")),
                (tried.id, message("加急费", direction="in")),
                (other.id, message("加急费")),
            ]
        )
    assert said[3] is None
    hit, clean, incoming = (verdict for verdict in said[:3] if verdict is not None)
    assert [action for _, action in reasons(hit)] == ["block"]
    assert (clean.because, incoming.because) == ([], [])


def test_what_is_enforced_as_well_is_judged_apart(office: Office) -> None:
    phone = office.phone("/总部/电销")
    office.apply(
        SETS
        + policy("trial", TRIAL)
        + policy("mild", "{keywords: [{set: fees, action: warn}]}")
        + assignment("a", "trial", "{org_unit: /}")
        + assignment("b", "mild", "{org_unit: /}")
    )
    assert [rule["action"] for rule in office.rules(phone)["keywords"]] == ["warn"]
    with unit_of_work(write=False):
        verdict = shadow.judge([(phone.id, message("加急费"))])[0]
    assert verdict is not None and verdict.action == "block"

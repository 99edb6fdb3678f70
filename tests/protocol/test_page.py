"""What docs/protocol.md says is what the code does."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import fleet.commands.kinds  # noqa: F401
from fleet import desk
from fleet.commands.registry import all_kinds
from fleet.commands.states import TRANSITIONS
from mqtt.contract import limits, names
from mqtt.contract.schema import MODELS
from policies.engine.actions import ACTIONS
from policies.engine.families import FAMILIES
from policies.wire_schemas import wire_schemas
from scripts import protocol_page

PAGE = protocol_page.PAGE.read_text("utf-8")
PROSE = re.sub(r"<!-- begin ([a-z-]+) -->.*?<!-- end \1 -->", "", PAGE, flags=re.DOTALL)
EXAMPLES = re.findall(r"<!-- example ([a-z-]+) -->\n```json\n(.*?)```", PAGE, re.DOTALL)


def section(title: str) -> str:
    """The prose of one section."""
    found = re.search(rf"^## {title}.*?(?=^## |\Z)", PROSE, re.DOTALL | re.MULTILINE)
    assert found, title
    return found[0]


def test_the_generated_parts_are_those_of_the_code() -> None:
    assert protocol_page.render(PAGE) == PAGE, "run: python -m scripts.protocol_page"


def test_every_part_that_can_be_generated_stands_in_the_page() -> None:
    assert set(re.findall(r"<!-- begin ([a-z-]+) -->", PAGE)) == set(protocol_page.PARTS)
    assert PAGE.count("<!-- begin ") == PAGE.count("<!-- end ") == len(protocol_page.PARTS)


def test_the_schema_files_are_those_of_the_code() -> None:
    stored = {path.name: path.read_text("utf-8") for path in protocol_page.SCHEMAS.iterdir()}
    assert stored == protocol_page.schema_files(), "run: python -m scripts.protocol_page"


def test_every_figure_of_the_contract_is_in_the_table_with_its_meaning() -> None:
    told = {name: value for _, name, value, _ in protocol_page.figures()}
    known = {name: value for name, value in vars(limits).items() if name.isupper()}
    assert told == known
    assert all(says for _, _, _, says in protocol_page.figures())


def test_every_step_of_a_command_is_in_the_table() -> None:
    table = protocol_page.PARTS["transitions"]()
    assert len(re.findall(r"^\| `", table, re.MULTILINE)) == len(TRANSITIONS)


@pytest.mark.parametrize(("name", "text"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_each_example_is_what_the_code_reads(name: str, text: str) -> None:
    example = json.loads(text)
    model = MODELS[name]
    read = model.take(example)
    Draft202012Validator(wire_schemas()[name]).validate(example)
    assert set(example) <= set(read.wire()), "an example shows no unknown member"


def test_the_messages_of_a_device_have_examples() -> None:
    shown = {name for name, _ in EXAMPLES}
    assert {"enrollment-request", "enrollment-answer", "hello", "heartbeat", "record", "event", "archived"} <= shown


@pytest.mark.parametrize("typ", list(names.Typ))
def test_each_typ_is_told(typ: names.Typ) -> None:
    assert f"`{typ}`" in section("2 Identity")


@pytest.mark.parametrize("kind", [*names.Up, *names.Down])
def test_each_topic_is_told(kind: names.Up | names.Down) -> None:
    way = "up" if isinstance(kind, names.Up) else "down"
    row = re.search(rf"^\| `d/\{{id\}}/{way}/{kind}` \| (\S+)", section("4 MQTT"), re.MULTILINE)
    assert row
    assert (row[1] == "yes") == (kind in names.RETAINED_DOWN)


def test_each_word_of_the_protocol_is_told_where_it_belongs() -> None:
    for words, title in (
        (names.EventType, "10 event"),
        (names.Severity, "10 event"),
        (names.Outcome, "7 desired"),
        (names.RuleState, "7 desired"),
        (names.ResultStatus, "8 command"),
        (names.DeviceState, "3 Enrollment"),
        (names.StatusAction, "3 Enrollment"),
        (FAMILIES, "12 rules"),
        (ACTIONS, "12 rules"),
    ):
        prose = section(title)
        missing = [str(word) for word in words if f"`{word}`" not in prose and f'"{word}"' not in prose]
        assert missing == [], title


def test_the_words_of_a_record_are_told() -> None:
    prose = section("9 records")
    schema: dict[str, Any] = wire_schemas()["record"]["properties"]
    for member in ("channel", "kind"):
        assert all(f"`{word}`" in prose for word in schema[member]["enum"])
    assert all(f"`{name}`" in prose or f'"{name}"' in prose for name in schema)


LIFETIMES = {600: "10 minutes", 3600: "1 hour", 86400: "1 day", 7 * 86400: "7 days", 30 * 86400: "30 days"}


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: str(kind.type))
def test_the_lifetime_and_effect_of_each_command_are_told(kind: Any) -> None:
    prose = section("8 command")
    assert re.search(rf"^\| `{kind.type}` \| ", prose, re.MULTILINE)
    lives = "for ever" if kind.lifetime is None else LIFETIMES[int(kind.lifetime.total_seconds())]
    sentence = re.search(r"A command lives on the server.*?for ever\.", prose, re.DOTALL)
    assert sentence
    assert re.search(rf"`{kind.type}`[^0-9]*? {lives}", " ".join(sentence[0].split())), lives


def test_the_figures_in_the_prose_are_those_of_the_code() -> None:
    told = " ".join(PROSE.split())
    for text in (
        f"Payloads are at most {limits.PAYLOAD_MAX:,} bytes",
        f"Session Expiry {limits.SESSION_EXPIRY_S:,} s",
        f"Keep Alive {limits.KEEP_ALIVE_MIN_S} to {limits.KEEP_ALIVE_MAX_S} s",
        f"Receive Maximum at least {limits.RECEIVE_MAXIMUM_MIN}",
        f"Will Delay {limits.WILL_DELAY_S} s",
        f"at most {limits.JSON_DEPTH_MAX} levels deep",
        f"`exp` 1 to {limits.DEVICE_JWT_MAX_S} s after `iat`",
        f"may send {limits.FLOOD_MESSAGES_PER_S} messages/s",
        f"At most one answer in {limits.HELLO_ANSWER_S} s per device",
        f"again {limits.HELLO_FRESH_S:,} s after the one that was answered last",
        f"`exp` at most {limits.COMMAND_LIFE_S} s after `iat`",
        f"after `retry_after` seconds ({desk.RETRY_AFTER_S:,})",
        f"does not arrive within {limits.BLOB_WAIT_S} s",
        f"and {limits.BATCH_RESEND_S} s after a batch without answer",
        f"1 to {limits.BATCH_RECORDS_MAX}…",
        f"`excerpt` has at most {limits.EXCERPT_MAX:,} characters",
        f"at most {limits.RENEWAL_GRACE_DAYS} days past expiry",
        f"has at most {limits.NAME_MAX}, a *long string* at most {limits.TEXT_MAX:,}",
        "tag appended, no additional data) of gzip (one member)",
    ):
        assert text in told, text


def test_the_links_of_the_page_lead_somewhere() -> None:
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in PAGE.splitlines()
        if line.startswith("#")
    }
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        if target.startswith("#"):
            assert target[1:] in anchors, target
        else:
            assert (protocol_page.DOCS / target).exists(), target

"""JSON on the wire has one meaning or is refused with a stable reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtt.contract import codec
from mqtt.contract.codec import BadPayload, Reason
from mqtt.contract.limits import JSON_DEPTH_MAX, PAYLOAD_MAX


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", Reason.EMPTY),
        (b"{", Reason.NOT_JSON),
        (b"{} x", Reason.NOT_JSON),
        (b"\xef\xbb\xbf{}", Reason.NOT_JSON),
        (b'{"a":"\x00"}', Reason.NOT_JSON),
        (b"\xff\xfe", Reason.NOT_UTF8),
        (b'{"a":"\xed\xa0\x80"}', Reason.NOT_UTF8),
        (b'{"a":1,"a":2}', Reason.DUPLICATE_MEMBER),
        (b'{"b":[{"a":1,"a":1}]}', Reason.DUPLICATE_MEMBER),
        (b'{"a":"\\ud800"}', Reason.LONE_SURROGATE),
        (b'{"\\udc00":1}', Reason.LONE_SURROGATE),
        (b'{"a":["x\\u0000y"]}', Reason.NUL),
        (b'{"a":NaN}', Reason.NUMBER),
        (b'{"a":-Infinity}', Reason.NUMBER),
        (b'{"a":1e999}', Reason.NUMBER),
        (b'{"a":' + b"9" * 21 + b"}", Reason.NUMBER),
        (b'{"a":' + b"9" * 5000 + b"}", Reason.NUMBER),
        (b"[" * (JSON_DEPTH_MAX + 2) + b"]" * (JSON_DEPTH_MAX + 2), Reason.TOO_DEEP),
        (b"[" * 90_000 + b"]" * 90_000, Reason.TOO_DEEP),
        (b'{"a":' * 30_000, Reason.TOO_DEEP),
    ],
)
def test_ambiguous_or_hostile_json_is_refused_with_its_reason(raw: bytes, reason: Reason) -> None:
    with pytest.raises(BadPayload) as caught:
        codec.decode(raw)
    assert caught.value.reason == reason


def test_brackets_inside_strings_are_not_depth() -> None:
    text = "[{" * 500
    assert codec.decode(codec.encode({"a": text})) == {"a": text}


def test_depth_is_allowed_up_to_the_limit_and_no_further() -> None:
    deepest = b"[" * JSON_DEPTH_MAX + b"]" * JSON_DEPTH_MAX
    assert codec.decode(deepest)
    with pytest.raises(BadPayload):
        codec.decode(b"[" + deepest + b"]")


def test_size_is_judged_before_anything_else() -> None:
    fits = b'"' + b"x" * (PAYLOAD_MAX - 2) + b'"'
    assert len(codec.decode(fits)) == PAYLOAD_MAX - 2
    with pytest.raises(BadPayload, match="too_large"):
        codec.decode(fits + b" ")


def test_an_escaped_pair_of_surrogates_is_one_character() -> None:
    assert codec.decode(b'"\\ud83d\\ude00"') == "😀"


@pytest.mark.parametrize("raw", [b"1", b'"x"', b"[]", b"null", b"true"])
def test_only_an_object_is_an_object(raw: bytes) -> None:
    with pytest.raises(BadPayload) as caught:
        codec.decode_object(raw)
    assert caught.value.reason == Reason.NOT_OBJECT


def test_the_detail_never_holds_the_content() -> None:
    with pytest.raises(BadPayload) as caught:
        codec.decode_object(b'{"secret": +86138}')
    assert "secret" not in str(caught.value)
    assert "86138" not in str(caught.value)


_text = st.text(st.characters(exclude_characters="\x00", codec="utf-8"))
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | _text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_text, inner, max_size=4),
    max_leaves=20,
)


@given(_values)
def test_whatever_is_encoded_decodes_to_the_same(value: Any) -> None:
    assert codec.decode(codec.encode(value)) == value


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_a_refusal_and_never_another_error(raw: bytes) -> None:
    try:
        value = codec.decode(raw)
    except BadPayload as error:
        assert error.reason in set(Reason)
    else:
        assert json.loads(raw) == value


@given(st.text())
def test_cleaned_text_can_always_be_sent(text: str) -> None:
    cleaned = codec.clean_text(text)
    assert len(cleaned) == len(text)
    assert codec.decode(codec.encode({"t": cleaned})) == {"t": cleaned}


def test_cleaning_changes_only_what_must_not_travel() -> None:
    assert codec.clean_text("a\x00b\ud800c王") == "a�b�c王"
    assert codec.clean_text("普通文字 😀") == "普通文字 😀"


def test_nothing_infinite_is_encoded() -> None:
    with pytest.raises(ValueError, match="JSON"):
        codec.encode({"a": float("inf")})

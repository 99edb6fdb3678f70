"""The chain of records: fixed vectors, and the properties that receipts rest on."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtt.contract import chain

DEVICE = "3f2b8c1e-0000-4000-8000-00000000abcd"


def _sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def test_the_chain_is_as_the_protocol_writes_it() -> None:
    h0 = _sha(DEVICE.encode())
    h1 = _sha(h0, _sha("第一条".encode()))
    h2 = _sha(h1, _sha(b'{"seq":2}'))
    assert chain.origin(DEVICE) == h0
    assert list(chain.heads(h0, ["第一条", '{"seq":2}'])) == [h1, h2]
    assert chain.head(h0, ["第一条", '{"seq":2}']) == h2


def test_a_fixed_vector_for_other_languages() -> None:
    head = chain.head(chain.origin(DEVICE), ['{"seq":1,"text":"你好"}'])
    assert head.hex() == "544218b92275f1911aec2e69884f3b3e2c8b72c83135363eed98c650e1c77555"


def test_nothing_added_leaves_the_head() -> None:
    assert chain.head(chain.origin(DEVICE), []) == chain.origin(DEVICE)


def test_the_signature_covers_context_device_and_head() -> None:
    head = b"\x01" * 32
    assert chain.signing_input("d", head) == b"shouji-records-v1\x00d\x00" + head


@given(st.lists(st.text(max_size=20), max_size=8), st.integers(0, 8))
def test_a_chain_can_be_continued_from_any_point(texts: list[str], cut: int) -> None:
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    cut = min(cut, len(texts))
    whole = chain.head(chain.origin(DEVICE), texts)
    assert chain.head(chain.head(chain.origin(DEVICE), texts[:cut]), texts[cut:]) == whole


@given(st.lists(st.text("abc", min_size=1, max_size=3), min_size=2, max_size=6))
def test_any_change_of_a_text_changes_the_head(texts: list[str]) -> None:
    changed = [*texts[:-1], texts[-1] + "x"]
    origin = chain.origin(DEVICE)
    assert chain.head(origin, texts) != chain.head(origin, changed)
    assert chain.head(origin, texts) != chain.head(origin, texts[:-1])


def test_a_lone_surrogate_has_no_bytes() -> None:
    with pytest.raises(UnicodeEncodeError):
        chain.leaf("\ud800")

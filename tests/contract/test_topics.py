"""Topics are built and read in one place, and nothing else is a topic."""

from __future__ import annotations

import pytest

from mqtt.contract import topics
from mqtt.contract.names import Down, Up

DEVICE = "3f2b8c1e-0000-4000-8000-00000000abcd"


@pytest.mark.parametrize("kind", list(Up))
def test_every_up_topic_reads_back(kind: Up) -> None:
    topic = topics.up(DEVICE, kind)
    assert topic == f"shouji/v1/d/{DEVICE}/up/{kind.value}"
    assert topics.parse(topic) == topics.UpTopic(DEVICE, kind)


@pytest.mark.parametrize("kind", list(Down))
def test_every_down_topic_reads_back(kind: Down) -> None:
    assert topics.parse(topics.down(DEVICE, kind)) == topics.DownTopic(DEVICE, kind)


def test_a_blob_topic_reads_back() -> None:
    digest = "ab" * 32
    assert topics.parse(topics.blob(digest)) == topics.BlobTopic(digest)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "shouji/v1",
        f"shouji/v2/d/{DEVICE}/up/hello",
        f"shouji/v1/d/{DEVICE.upper()}/up/hello",
        f"shouji/v1/d/{DEVICE}/up/desired",
        f"shouji/v1/d/{DEVICE}/down/hello",
        f"shouji/v1/d/{DEVICE}/up/hello/x",
        f"shouji/v1/d/{DEVICE}/up/hello\n",
        f"/shouji/v1/d/{DEVICE}/up/hello",
        "shouji/v1/d/+/up/hello",
        "shouji/v1/d/x/up/hello",
        f"shouji/v1/blobs/{'AB' * 32}",
        f"shouji/v1/blobs/{'ab' * 31}",
    ],
)
def test_everything_else_is_no_topic(topic: str) -> None:
    with pytest.raises(topics.BadTopic):
        topics.parse(topic)


def test_an_unknown_kind_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="nothing"):
        topics.up(DEVICE, "nothing")

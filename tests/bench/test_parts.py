"""The parts that measurements are made of."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import pytest

from bench import fleet_rows, report, wire
from bench.__main__ import arguments
from bench.ingest import heartbeats
from bench.publisher import Publisher
from bench.registry import Figure, measurements
from bench.suite import MEASUREMENTS
from mqtt import packets
from mqtt.contract.heartbeat import Heartbeat
from mqtt.contract.topics import UpTopic, parse
from mqtt.packets import Outgoing, Received


def test_a_ratio_is_the_median_of_pairs_and_not_a_quotient_of_medians() -> None:
    figure = Figure("m", "n", "msg/s", [1.0, 10.0, 100.0], "paho", [10.0, 10.0, 50.0], least=1.0)
    assert figure.ratios == [0.1, 1.0, 2.0]
    assert (figure.value, figure.baseline_value, figure.ratio, figure.met) == (10.0, 10.0, 1.0, True)


@pytest.mark.parametrize(
    ("least", "most", "met"), [(2.0, None, True), (2.1, None, False), (None, 1.9, False), (None, None, None)]
)
def test_a_bar_is_met_or_missed(least: float | None, most: float | None, met: bool | None) -> None:
    assert Figure("m", "n", "s", [4.0], "b", [2.0], least=least, most=most).met is met


def test_a_bar_without_baseline_judges_the_value() -> None:
    assert Figure("m", "n", "ms", [190.0], most=200.0).met is True
    assert Figure("m", "n", "ms", [210.0], most=200.0).met is False


def test_runs_of_one_day_lie_in_one_file(tmp_path: Path) -> None:
    figure = Figure("m", "n", "msg/s", [3.0], "paho", [4.0], least=0.5, detail={"database": "sqlite"})
    first = report.write([figure], quick=True, folder=tmp_path)
    assert report.write([figure], quick=False, folder=tmp_path) == first
    runs = json.loads(first.read_text())
    assert [run["quick"] for run in runs] == [True, False]
    assert (
        runs[0]["figures"][0] | {"ratio": 0.75, "met": True, "detail": {"database": "sqlite"}} == runs[0]["figures"][0]
    )


def test_the_table_shows_what_was_missed() -> None:
    shown = report.table([Figure("m", "fast", "msg/s", [1.0], "paho", [4.0], least=0.5)])
    assert "fast" in shown and "0.25" in shown and "MISSED" in shown


def test_every_measurement_can_be_asked_for_alone() -> None:
    assert {measurement.name for measurement in measurements()} == set(MEASUREMENTS)
    assert {"ingest", "fanout", "cutoff", "list", "memory"} <= set(MEASUREMENTS)
    options = arguments(["--only", "ingest", "--only", "list", "--database", "sqlite", "--quick"])
    assert (options.only, options.database, options.quick) == (["ingest", "list"], ["sqlite"], True)


def test_fleets_are_the_same_for_the_same_seed_and_differ_for_others() -> None:
    ids = fleet_rows.make_ids(100, seed=1)
    assert len(set(ids)) == 100
    assert ids == fleet_rows.make_ids(100, seed=1)
    assert not set(ids) & set(fleet_rows.make_ids(100, seed=2))


def test_heartbeats_are_what_the_protocol_asks_for_one_for_each_phone() -> None:
    ids = fleet_rows.make_ids(20, seed=1)
    messages = heartbeats(ids, seed=3)
    read = [parse(topic) for topic, _ in messages]
    assert sorted(topic.device_id for topic in read if isinstance(topic, UpTopic)) == sorted(ids)
    assert all(Heartbeat.read(payload).posture.passcode for _, payload in messages)


@pytest.mark.parametrize("size", [0, 127, 128, 20_000])
def test_packets_by_hand_are_cut_and_read_as_the_server_reads_them(size: int) -> None:
    stream = wire.publish("a/b", b"x" * size, 7) + wire.puback(b"\x01\x02")
    reader = wire.Packets()
    seen = [packet for at in range(0, len(stream), 11) for packet in reader.feed(stream[at : at + 11])]
    assert [kind for kind, _ in seen] == [wire.PUBLISH, wire.PUBACK]
    assert wire.delivery(seen[0][1]) == (b"a/b", b"\x00\x07", b"x" * size)
    found = packets.cut(stream, 0)
    assert found is not None
    assert packets.received(found[0], stream, found[1], found[2]) == Received("a/b", b"x" * size, False, 7)
    server = packets.publishes([(7, Outgoing("a/b", b"x" * size))])
    assert server == wire.publish("a/b", b"x" * size, 7)


def test_the_publisher_waits_for_every_acknowledgement(tmp_path: Path) -> None:
    path = tmp_path / "broker"
    seen: list[bytes] = []

    def broker() -> None:
        connection, _ = listener.accept()
        reader = wire.Packets()
        with connection:
            while len(seen) < 3 and (data := connection.recv(65_536)):
                for kind, body in reader.feed(data):
                    if kind == wire.PUBLISH:
                        _, mid, payload = wire.delivery(body)
                        seen.append(payload)
                        connection.sendall(wire.puback(mid))
                    else:
                        connection.sendall(b"\x20\x03\x00\x00\x00")

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=broker)
        thread.start()
        Publisher(path).publish([("t", b"1"), ("t", b"2"), ("t", b"3")])
        thread.join()
    assert seen == [b"1", b"2", b"3"]
